import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { invitations, messageOf } from '@/api';
import { Button, LoadingArea, Notice } from '@/ui';
import { AccountForm } from './AccountForm';
import { AuthLayout } from './AuthLayout';

/** Where an invitation link leads: says who invites, and makes the account. */
export function InvitePage() {
  const { token } = useParams({ from: '/invite/$token' });
  const invitation = useQuery({
    queryKey: ['invitation', token],
    queryFn: ({ signal }) => invitations.lookup(token, signal),
    staleTime: Infinity,
  });
  if (invitation.isPending) return <LoadingArea />;
  if (invitation.error) return <Refused reason={messageOf(invitation.error)} />;
  const { inviter_name, email } = invitation.data;
  return (
    <AuthLayout
      title={`${inviter_name} invites you`}
      lead="Meanwhile is where people here record walkthroughs and answer each other in their own time. Make your account to join."
      foot={
        <>
          Already have an account?{' '}
          <Link
            to="/sign-in"
            search={{ next: undefined }}
            className="text-accent-ink underline underline-offset-2"
          >
            Sign in
          </Link>
        </>
      }
    >
      <AccountForm
        verb="Join"
        email={email}
        create={(form) => invitations.accept({ ...form, token })}
      />
    </AuthLayout>
  );
}

function Refused({ reason }: { reason: string }) {
  return (
    <AuthLayout title="This invitation does not work">
      <div className="grid gap-6">
        <Notice tone="warn">{reason}</Notice>
        <p className="text-muted">
          Links lapse after a while and work once. Ask for a new one, or sign in if you have joined
          already.
        </p>
        <Button asChild>
          <Link to="/sign-in" search={{ next: undefined }}>
            Sign in
          </Link>
        </Button>
      </div>
    </AuthLayout>
  );
}
