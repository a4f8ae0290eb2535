import { VideoOff } from 'lucide-react';
import { useEffect } from 'react';
import { createPortal } from 'react-dom';
import type { Session } from '@/api';
import { Button, EmptyState } from '@/ui';
import { Header } from './Header';
import { place } from './places';

/** No such video, or not for this visitor: the server does not say which, and neither does this page. */
export function Absent({ session }: { session: Session | null }) {
  const account = session?.account ?? null;
  useEffect(() => {
    document.title = 'Not found · Meanwhile';
  }, []);
  const next = encodeURIComponent(location.pathname + location.search);
  return (
    <>
      {createPortal(<Header account={account} />, place('top'))}
      {createPortal(<h1 className="sr-only">Video not found</h1>, place('details'))}
      {createPortal(
        <EmptyState
          picture={<VideoOff aria-hidden />}
          title="There is no video here"
          action={
            account ? (
              <Button tone="primary" asChild>
                <a href="/">Go to the library</a>
              </Button>
            ) : (
              <Button tone="primary" asChild>
                <a href={`/sign-in?next=${next}`}>Sign in</a>
              </Button>
            )
          }
        >
          {account
            ? 'It may have been moved to the trash, or it is not shared with you.'
            : 'It may have been removed. If it is shared with a workspace, sign in to watch it.'}
        </EmptyState>,
        place('details'),
      )}
    </>
  );
}
