import { withoutGrant } from './grant';
import type { Choice, Playable, Source } from './model';

/** The source to play for what the viewer chose; null while there is none yet. */
export function pickSource(video: Playable, choice: Choice): Source | null {
  const { hls, progressive, prefer } = video.playback;
  const isRung = choice !== 'auto' && choice !== 'source';
  if (hls !== null && isRung) return hlsSource(video, hls, choice);
  if (progressive !== null && choice === 'source') return fileSource(progressive, true);
  if (hls !== null && (prefer === 'hls' || progressive === null)) {
    return hlsSource(video, hls, choice === 'source' ? 'source' : null);
  }
  return progressive === null ? null : fileSource(progressive, false);
}

function fileSource(url: string, chosen: boolean): Source {
  const identity = `progressive ${withoutGrant(url)}`;
  return { kind: 'progressive', url, rung: null, chosen, identity };
}

// The master playlist keeps its address when the ladder is done, so the video's state is part of the identity. Its rung is
// not: hls.js changes rungs by itself.
function hlsSource(video: Playable, url: string, rung: string | null): Source {
  const stage = video.state === 'ready' ? 'ladder' : 'source';
  return {
    kind: 'hls',
    url,
    rung,
    chosen: rung !== null,
    identity: `hls ${stage} ${withoutGrant(url)}`,
  };
}

/** What to do when the best source may have changed. */
export type Step = 'keep' | 'attach' | 'swap';

/**
 * Compares what plays with what should. A stream that plays is not given up for a file of the same recording: when a
 * live recording ends, its playlist simply gets an end.
 */
export function nextStep(current: Source | null, next: Source | null, video: Playable): Step {
  if (next === null) return 'keep';
  if (current === null) return 'attach';
  if (current.identity === next.identity) return 'keep';
  const hls = video.playback.hls;
  const streamStillThere =
    current.kind === 'hls' && hls !== null && withoutGrant(hls) === withoutGrant(current.url);
  if (next.kind === 'progressive' && streamStillThere && !next.chosen) return 'keep';
  return 'swap';
}
