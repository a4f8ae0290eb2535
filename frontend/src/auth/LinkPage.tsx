import { Link } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { entrance, messageOf } from '@/api';
import { inside } from '@/app/guard';
import { Button, Notice } from '@/ui';
import { AuthLayout } from './AuthLayout';
import { goOn } from './step';

/**
 * Where a mailed link leads. It signs in when asked to, not when opened: programs that look for harm in mail open every
 * link, and some run the scripts of the page.
 */
export function LinkPage() {
  const [{ token, next }] = useState(readLink);
  const [refused, setRefused] = useState('');
  const [busy, setBusy] = useState(false);
  // The token does not stay in the address, from where it would get into the history and over shoulders.
  useEffect(() => history.replaceState(history.state, '', location.pathname), []);
  const signIn = async () => {
    setBusy(true);
    try {
      goOn(await entrance.byLink(token), next);
    } catch (error) {
      setRefused(messageOf(error));
      setBusy(false);
    }
  };
  if (!token || refused) {
    return <Lapsed reason={refused || 'Something is missing from this link.'} />;
  }
  return (
    <AuthLayout title="One step left" lead="You asked for a link to sign in. It works once.">
      <Button tone="primary" busy={busy} onClick={() => void signIn()} className="w-full">
        Sign in
      </Button>
    </AuthLayout>
  );
}

function readLink(): { token: string; next?: string } {
  const said = new URLSearchParams(location.hash.slice(1));
  return { token: said.get('token') ?? '', next: inside(said.get('next') ?? undefined) };
}

function Lapsed({ reason }: { reason: string }) {
  return (
    <AuthLayout title="This link does not work">
      <div className="grid gap-6">
        <Notice tone="warn">{reason}</Notice>
        <p className="text-muted">
          Links work once, for 30 minutes, and only the newest one does. Ask for another one on the
          next page.
        </p>
        <Button asChild>
          <Link to="/sign-in" search={{}}>
            Go to sign in
          </Link>
        </Button>
      </div>
    </AuthLayout>
  );
}
