import clsx from 'clsx';
import { useQueryClient } from '@tanstack/react-query';
import { AudioLines, Film } from 'lucide-react';
import { useEffect, useState } from 'react';
import { keys, type Video } from '@/api';
import { Badge, clock, Progress, spokenClock } from '@/ui';
import { useSteadyImage } from './steady';

/** The picture of a card: leads to the video, moves under the pointer, says length and state. */
export function Poster({ video }: { video: Video }) {
  const frame =
    'relative block aspect-video overflow-hidden rounded-2xl bg-sunken shadow-card ring-1 ring-line transition-shadow duration-200 group-hover/card:shadow-lift';
  const [over, setOver] = useState(false);
  const inside = (
    <>
      <Picture video={video} moving={over} />
      <Corner video={video} />
      <State video={video} />
    </>
  );
  if (video.trashed_at) return <div className={clsx(frame, 'opacity-75')}>{inside}</div>;
  return (
    // The title below is the same link with words; one stop of the Tab key is enough.
    <a
      href={`/v/${video.slug}`}
      tabIndex={-1}
      aria-hidden
      className={frame}
      onPointerEnter={(event) => setOver(event.pointerType === 'mouse')}
      onPointerLeave={() => setOver(false)}
    >
      {inside}
    </a>
  );
}

function Picture({ video, moving }: { video: Video; moving: boolean }) {
  const refresh = useRefreshLapsed(video);
  const poster = useSteadyImage(video.playback.poster, video.state);
  const preview = useSteadyImage(video.playback.preview, video.state);
  const show = useLater(moving);
  const onError = (image: { fail: () => void }) => () => {
    image.fail();
    refresh();
  };
  if (!poster.src) return <Blank video={video} />;
  return (
    <>
      <img
        src={poster.src}
        alt=""
        loading="lazy"
        decoding="async"
        onError={onError(poster)}
        className="size-full animate-fade object-cover"
      />
      {show && preview.src && (
        <img
          src={preview.src}
          alt=""
          onError={onError(preview)}
          className="absolute inset-0 size-full animate-fade object-cover motion-reduce:hidden"
        />
      )}
    </>
  );
}

/** True a moment after `wanted`, so that a pointer passing by fetches nothing. */
function useLater(wanted: boolean): boolean {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(wanted), wanted ? 180 : 0);
    return () => clearTimeout(timer);
  }, [wanted]);
  return wanted && late;
}

/** Grants in media URLs lapse after minutes: a list left open asks anew when a picture fails for that. */
function useRefreshLapsed(video: Video): () => void {
  const client = useQueryClient();
  return () => {
    if (Date.parse(video.playback.expires_at) > Date.now()) return;
    void client.invalidateQueries({ queryKey: keys.videos });
  };
}

function Blank({ video }: { video: Video }) {
  const sound = video.has_audio && !video.has_video;
  const Icon = sound ? AudioLines : Film;
  return (
    <div className="grid size-full place-items-center bg-linear-to-br from-accent-soft to-sunken text-accent-ink/50">
      <Icon aria-hidden className="size-9" strokeWidth={1.5} />
    </div>
  );
}

function Corner({ video }: { video: Video }) {
  const length = video.duration_ms || video.saved_ms;
  if (length <= 0) return null;
  return (
    <Badge tone="overlay" className="absolute right-2.5 bottom-2.5">
      <span aria-hidden>{clock(length)}</span>
      <span className="sr-only">{spokenClock(length)}</span>
    </Badge>
  );
}

function State({ video }: { video: Video }) {
  if (video.state === 'recording' && !video.uploading) {
    return (
      <Badge tone="overlay" className="absolute top-2.5 left-2.5">
        <span className="size-2 animate-glow rounded-full bg-[#ff5a67]" />
        Recording
      </Badge>
    );
  }
  if (video.state !== 'processing' && !video.uploading) return null;
  const doing = video.uploading ? 'Uploading' : 'Preparing';
  const percent = Math.round(Math.min(1, Math.max(0, video.progress)) * 100);
  return (
    <>
      <Badge tone="overlay" className="absolute top-2.5 left-2.5">
        {doing} {percent} %
      </Badge>
      <Progress
        value={video.progress}
        label={`${doing} ${video.title}`}
        className="absolute inset-x-0 bottom-0 rounded-none! bg-black/40!"
      />
    </>
  );
}
