import { Link2Off, VideoOff } from 'lucide-react';
import { useEffect } from 'react';
import { createPortal } from 'react-dom';
import type { Session } from '@/api';
import { Button, EmptyState } from '@/ui';
import { AskAccess } from './AskAccess';
import { Header } from './Header';
import { place } from './places';

interface Props {
  session: Session | null;
  /** What was watched in this page until a moment ago. */
  was?: 'link' | 'video';
}

/** No such video, or not for this visitor: the server does not say which, and neither does this page. */
export function Absent({ session, was }: Props) {
  const account = session?.account ?? null;
  const slug = location.pathname.split('/')[2] ?? '';
  const title = was === 'link' ? 'This link has ended' : 'There is no video here';
  useEffect(() => {
    document.title = `${was === 'link' ? 'Ended' : 'Not found'} · Meanwhile`;
  }, [was]);
  const next = encodeURIComponent(location.pathname + location.search);
  return (
    <>
      {createPortal(<Header account={account} />, place('top'))}
      {createPortal(<h1 className="sr-only">{title}</h1>, place('details'))}
      {createPortal(
        <EmptyState
          picture={was === 'link' ? <Link2Off aria-hidden /> : <VideoOff aria-hidden />}
          title={title}
          action={
            account ? (
              <div className="flex flex-col items-center gap-5">
                <AskAccess slug={slug} />
                <a href="/">Go to the library</a>
              </div>
            ) : (
              <Button tone="primary" asChild>
                <a href={`/sign-in?next=${next}`}>Sign in</a>
              </Button>
            )
          }
        >
          {words(was, account !== null)}
        </EmptyState>,
        place('details'),
      )}
    </>
  );
}

function words(was: Props['was'], signedIn: boolean): string {
  if (was === 'link') {
    const asking = signedIn ? 'You can ask for access.' : 'Ask whoever sent it for a new one.';
    return `It has run out, or whoever shared it has closed it. ${asking}`;
  }
  if (was === 'video') return 'It is not shared with you any more, or it was removed.';
  return signedIn
    ? 'It may have been removed, or it is not shared with you. Then you can ask.'
    : 'It may have been removed. If it is shared with you, sign in to watch it.';
}
