import { Link, useSearch } from '@tanstack/react-router';
import { session, useSession } from '@/api';
import { Button, LoadingArea, Notice } from '@/ui';
import { AccountForm } from './AccountForm';
import { AuthLayout } from './AuthLayout';

/** The first visit of a new server: makes the owner's account. */
export function SetupPage() {
  const { token } = useSearch({ from: '/setup' });
  const { data, isPending } = useSession();
  if (isPending) return <LoadingArea />;
  if (data && !data.setup_needed) return <AlreadySetUp />;
  return (
    <AuthLayout
      title="Welcome to your Meanwhile"
      lead="Make the first account. It owns this server and can invite the others."
    >
      {token ? (
        <AccountForm verb="Create account" create={(form) => session.setUp({ ...form, token })} />
      ) : (
        <Notice tone="warn">
          This server is new and waits for its owner. Open the address that <code>meanwhile</code>{' '}
          printed when it started: it carries a one-time token, so that nobody else can take the
          server.
        </Notice>
      )}
    </AuthLayout>
  );
}

function AlreadySetUp() {
  return (
    <AuthLayout title="This server has its owner" lead="The setup link works only once.">
      <Button tone="primary" asChild>
        <Link to="/">Go on</Link>
      </Button>
    </AuthLayout>
  );
}
