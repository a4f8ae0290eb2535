import { useMutation, useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { type Account, invitations, messageOf, useSession, workspaces } from '@/api';
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
  const session = useSession();
  if (invitation.isPending || session.isPending) return <LoadingArea />;
  if (invitation.error) return <Refused reason={messageOf(invitation.error)} />;
  const { inviter_name, workspace, email } = invitation.data;
  if (session.data?.account)
    return <Join token={token} invitation={invitation.data} account={session.data.account} />;
  return (
    <AuthLayout
      title={`${inviter_name} invites you to ${workspace}`}
      lead="Meanwhile is where people here record walkthroughs and answer each other in their own time. Make your account to join."
      foot={
        <>
          Already have an account?{' '}
          <Link
            to="/sign-in"
            search={{ next: `/invite/${token}` }}
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

type JoinProps = {
  token: string;
  invitation: { inviter_name: string; workspace: string; email: string | null };
  account: Account;
};

/** Somebody who has an account joins a further workspace with it. */
function Join({ token, invitation, account }: JoinProps) {
  const { inviter_name, workspace, email } = invitation;
  const join = useMutation({
    mutationFn: () => workspaces.join(token),
    onSuccess: () => location.assign('/'),
  });
  const another = Boolean(email) && email !== account.email;
  return (
    <AuthLayout
      title={`${inviter_name} invites you to ${workspace}`}
      lead={`You are signed in as ${account.name} (${account.email}).`}
    >
      <div className="grid gap-6">
        {another && (
          <Notice tone="warn">
            This invitation is for {email}. Sign out and in with that address, or ask for one to{' '}
            {account.email}.
          </Notice>
        )}
        {join.error && <Notice tone="danger">{messageOf(join.error)}</Notice>}
        <Button
          tone="primary"
          busy={join.isPending}
          disabled={another}
          onClick={() => join.mutate()}
        >
          Join {workspace}
        </Button>
        <Button asChild>
          <Link to="/">Not now</Link>
        </Button>
      </div>
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
