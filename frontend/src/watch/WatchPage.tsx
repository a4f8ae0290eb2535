import { useEffect, useMemo } from 'react';
import { createPortal } from 'react-dom';
import { useSession, type Session, type Video } from '@/api';
import { Player, type Playback } from '@/player';
import { Absent } from './Absent';
import { Details } from './Details';
import { Header } from './Header';
import { place } from './places';
import { Placeholder } from './Placeholder';
import { Conversation } from './talk/Conversation';
import { remarksOf } from './talk/remarks';
import { useConversation } from './talk/useConversation';
import { useReveal } from './talk/useReveal';
import { useEvents } from './useEvents';
import { useViews } from './useViews';
import { useWatched } from './useWatched';

/** Player, details and conversation, each in its place of watch.html. */
export function WatchPage({ first, playback }: { first: Video; playback: Playback }) {
  const session = useSession().data ?? null;
  const { video, accept, refetch, gone } = useWatched(first, playback);
  const talk = useConversation(video, session?.account ?? null);
  const reveal = useReveal(talk, playback);
  useViews(video.id, playback);
  useEvents(video.id, {
    onVideo: accept,
    onComment: talk.arrive,
    onCommentDeleted: talk.vanish,
    onVideoRemoved: () => void refetch(),
    onReconnect: () => {
      void refetch();
      void talk.reload();
    },
  });
  const remarks = useMemo(() => remarksOf(talk.entries), [talk.entries]);
  if (gone) return <Gone playback={playback} session={session} byLink={Boolean(first.pass)} />;
  return (
    <>
      {createPortal(<Header account={session?.account ?? null} />, place('top'))}
      {createPortal(
        <Player
          playback={playback}
          stage={place('stage')}
          storyboard={video.playback.storyboard}
          soundOnly={!video.has_video && video.duration_ms > 0}
          remarks={remarks}
          onRemark={reveal.show}
          placeholder={<Placeholder video={video} />}
        />,
        place('controls'),
      )}
      {createPortal(
        <Details video={video} playback={playback} onChange={accept} />,
        place('details'),
      )}
      {createPortal(
        <Conversation
          video={video}
          playback={playback}
          talk={talk}
          account={session?.account ?? null}
          reveal={reveal}
        />,
        place('talk'),
      )}
    </>
  );
}

function Gone(props: { playback: Playback; session: Session | null; byLink: boolean }) {
  const { playback, session, byLink } = props;
  useEffect(() => {
    playback.pause();
    document.documentElement.dataset.absent = '';
  }, [playback]);
  return <Absent session={session} was={byLink ? 'link' : 'video'} />;
}
