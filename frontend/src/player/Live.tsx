import clsx from 'clsx';
import { clock } from '@/ui/format';
import type { Playback } from './playback';
import { usePlayback } from './usePlayback';

// About five segments: hls.js itself stays three behind.
const BEHIND = 12;

/** While it is being recorded: how far behind the newest second, and back to it. */
export function Live({ playback, second }: { playback: Playback; second: number }) {
  const { duration } = usePlayback(playback);
  const behind = duration - second;
  const atEdge = behind < BEHIND;
  return (
    <button
      type="button"
      disabled={atEdge}
      onClick={() => playback.seekLive()}
      className="ml-1 flex h-8 items-center gap-2 rounded-full bg-black/40 px-3 text-xs font-semibold text-white tabular-nums hover:enabled:bg-white/20"
    >
      <span
        aria-hidden
        className={clsx(
          'size-2 rounded-full',
          atEdge ? 'animate-glow bg-[#f0525f]' : 'bg-white/50',
        )}
      />
      {atEdge ? 'Live' : `${clock(behind * 1000)} behind · go live`}
    </button>
  );
}
