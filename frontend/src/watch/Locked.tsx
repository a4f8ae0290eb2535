import { Lock } from 'lucide-react';
import { useEffect, useState, type FormEvent } from 'react';
import { createPortal } from 'react-dom';
import { ApiError, messageOf, openLink, type Session } from '@/api';
import type { LockedData } from '@/player/page-data';
import { Button, EmptyState, Field } from '@/ui';
import { Absent } from './Absent';
import { Header } from './Header';
import { place } from './places';

/**
 * A share link that asks for something first. It waits for a person: programs that look at what a link leads to are
 * not counted among those it lets in.
 */
export function Locked({ link, session }: { link: LockedData; session: Session | null }) {
  const [password, setPassword] = useState('');
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const [ended, setEnded] = useState(false);
  useEffect(() => {
    document.title = 'Shared with you · Meanwhile';
  }, []);
  const open = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setProblem('');
    try {
      await openLink(link.slug, password);
      location.reload(); // with the cookie that opens it, and so with the picture in the page
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) setEnded(true);
      setProblem(messageOf(error));
      setBusy(false);
    }
  };
  if (ended) return <Absent session={session} was="link" />;
  return (
    <>
      {createPortal(<Header account={session?.account ?? null} />, place('top'))}
      {createPortal(<h1 className="sr-only">Shared with you</h1>, place('details'))}
      {createPortal(
        <EmptyState
          picture={<Lock aria-hidden />}
          title={link.password ? 'This link has a password' : 'Somebody shared a video with you'}
          action={
            <form
              onSubmit={(event) => void open(event)}
              className="flex w-[min(20rem,calc(100vw-2rem))] flex-col gap-3 text-left"
            >
              {link.password && (
                <Field
                  label="Password"
                  type="password"
                  autoComplete="off"
                  required
                  value={password}
                  error={problem || undefined}
                  onChange={(event) => setPassword(event.target.value)}
                />
              )}
              {!link.password && problem && (
                <p role="alert" className="text-sm text-danger">
                  {problem}
                </p>
              )}
              <Button tone="primary" type="submit" busy={busy}>
                Watch
              </Button>
            </form>
          }
        >
          {link.password
            ? 'Whoever sent you the link knows it.'
            : 'The link lets in a certain number of people. You are counted once in this browser.'}
        </EmptyState>,
        place('details'),
      )}
    </>
  );
}
