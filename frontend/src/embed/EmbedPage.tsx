import { useEffect, useMemo } from 'react';
import { createPortal } from 'react-dom';
import type { Video } from '@/api';
import { Player } from '@/player';
import type { EmbedData } from '@/player/page-data';
import type { Playback } from '@/player/playback';
import { Placeholder } from '@/watch/Placeholder';
import { remarksOf } from '@/watch/talk/remarks';
import { useViews } from '@/watch/useViews';
import { useWatched } from '@/watch/useWatched';
import { Card } from './Card';
import { Comments } from './Comments';
import type { Options } from './options';
import { TitleBar } from './TitleBar';
import { useComments } from './useComments';

interface Props {
  first: Video;
  embed: EmbedData;
  options: Options;
  playback: Playback;
}

/** The player by itself, and what was said if the frame asks for it. */
export function EmbedPage({ first, embed, options, playback }: Props) {
  const { video, gone } = useWatched(first, playback);
  const said = useComments(video.id, options.comments);
  const remarks = useMemo(() => remarksOf(said), [said]);
  useViews(video.id, playback);
  if (gone) return <Gone playback={playback} watchUrl={embed.watch_url} />;
  return (
    <>
      {createPortal(
        <>
          <Player
            playback={playback}
            stage={place('stage')}
            storyboard={video.playback.storyboard}
            soundOnly={!video.has_video && video.duration_ms > 0}
            remarks={remarks}
            onRemark={(id) => document.getElementById(`c-${id}`)?.scrollIntoView()}
            placeholder={<Placeholder video={video} />}
          />
          <TitleBar title={video.title} watchUrl={embed.watch_url} playback={playback} />
        </>,
        place('controls'),
      )}
      {options.comments &&
        createPortal(
          <Comments said={said} playback={playback} watchUrl={embed.watch_url} />,
          place('aside'),
        )}
    </>
  );
}

// The owner closed the link while the frame was open.
function Gone({ playback, watchUrl }: { playback: Playback; watchUrl: string }) {
  useEffect(() => {
    playback.pause();
    document.documentElement.dataset.absent = '';
  }, [playback]);
  return <Card watchUrl={watchUrl} />;
}

function place(id: 'stage' | 'controls' | 'aside'): HTMLElement {
  const element = document.getElementById(id);
  if (!element) throw new Error(`embed.html has no #${id}`);
  return element;
}
