import { useEffect, useState } from 'react';
import { messageOf, videos, type Video } from '@/api';
import { usePlayback, useSecond, type Playback } from '@/player';
import { Button, clock, Notice, Progress, toast } from '@/ui';

interface Props {
  video: Video;
  playback: Playback;
  onChange: (video: Video) => void;
}

/** What is going on with the video, while something is. */
export function Banner({ video, playback, onChange }: Props) {
  if (video.state === 'ready') return null;
  return (
    <div className="mb-4">
      {video.uploading && <Uploading video={video} />}
      {video.state === 'recording' && !video.uploading && (
        <Recording video={video} playback={playback} onChange={onChange} />
      )}
      {video.state === 'processing' && <Processing video={video} />}
      {video.state === 'failed' && <Failed video={video} onChange={onChange} />}
    </div>
  );
}

function Uploading({ video }: { video: Video }) {
  return (
    <div className="flex flex-wrap items-center gap-x-4 gap-y-2 rounded-xl border border-line bg-surface px-4 py-3 text-sm">
      <p>{video.owner.name} is uploading this file.</p>
      <Progress value={video.progress} label="Uploading the file" className="min-w-40 grow" />
    </div>
  );
}

function Recording({ video, playback, onChange }: Props) {
  const { attached } = usePlayback(playback);
  const second = useSecond(playback);
  const silent = useSilence(video.saved_ms);
  return (
    <div className="flex flex-wrap items-center gap-x-4 gap-y-2 rounded-xl border border-line bg-surface px-4 py-3 text-sm">
      <span aria-hidden className="size-2.5 animate-glow rounded-full bg-record" />
      <p className="grow">
        <span className="font-medium">{video.owner.name} is recording this right now.</span>{' '}
        <span className="text-muted tabular-nums">{clock(video.saved_ms)} so far</span>
      </p>
      {attached && second > 15 && (
        <Button size="sm" onClick={() => playback.seek(0)}>
          Watch from the start
        </Button>
      )}
      {video.may.edit && silent && (
        <Button
          size="sm"
          onClick={() => void act(() => videos.finish(video.id), onChange)}
          title="For a recording whose tab was closed"
        >
          Finish with what arrived
        </Button>
      )}
    </div>
  );
}

const SILENT_AFTER_MS = 45_000;

// True when nothing new has arrived for a while: the recorder may be gone.
function useSilence(saved: number): boolean {
  const [silentAt, setSilentAt] = useState(-1);
  useEffect(() => {
    const timer = setTimeout(() => setSilentAt(saved), SILENT_AFTER_MS);
    return () => clearTimeout(timer);
  }, [saved]);
  return silentAt === saved;
}

function Processing({ video }: { video: Video }) {
  const playable = video.playback.hls !== null || video.playback.progressive !== null;
  if (!playable) return null; // The stage says so already.
  const percent = Math.round(video.progress * 100);
  return (
    <div className="flex items-center gap-4 rounded-xl border border-line bg-surface px-4 py-3 text-sm">
      <p className="text-muted sm:shrink-0">
        Ready to watch. Other sizes are being made{percent > 0 ? `: ${percent} %` : ''}
      </p>
      <Progress value={video.progress} label="Making other sizes" className="min-w-10" />
    </div>
  );
}

// What could not be made is the business of those who look after the video: who
// only watches is told when there is nothing to watch.
function Failed({ video, onChange }: Pick<Props, 'video' | 'onChange'>) {
  const [busy, setBusy] = useState(false);
  const playable = video.playback.hls !== null || video.playback.progressive !== null;
  const retry = async () => {
    setBusy(true);
    await act(() => videos.retry(video.id), onChange);
    setBusy(false);
  };
  if (playable && !video.may.edit) return null;
  return (
    <Notice
      tone={playable ? 'warn' : 'danger'}
      action={
        video.retryable && (
          <Button size="sm" busy={busy} onClick={() => void retry()}>
            Try again
          </Button>
        )
      }
    >
      {video.reason || 'Something went wrong while this video was prepared.'}
      {playable && ' It plays as it was recorded; other sizes are missing.'}
    </Notice>
  );
}

async function act(ask: () => Promise<Video>, onChange: (video: Video) => void): Promise<void> {
  try {
    onChange(await ask());
  } catch (error) {
    toast.error(messageOf(error));
  }
}
