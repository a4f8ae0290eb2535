import type { Engine } from './engine';
import type { Choice, Quality, Trouble } from './model';

/** What the controls show. A new object for every change, so that React can compare. */
export interface Snapshot {
  video: HTMLVideoElement;
  /** False until there is something to play. */
  attached: boolean;
  /** True once the viewer has seen it move. */
  started: boolean;
  paused: boolean;
  ended: boolean;
  waiting: boolean;
  /** Seconds; while live, the length so far. */
  duration: number;
  live: boolean;
  volume: number;
  muted: boolean;
  rate: number;
  choice: Choice;
  qualities: Quality[];
  /** The recording itself can be chosen, as a file. */
  original: boolean;
  showing: string | null;
  captions: { available: boolean; shown: boolean };
  trouble: Trouble | null;
}

/** What a snapshot is made of besides the element. */
export interface Facts {
  engine: Engine | null;
  started: boolean;
  waiting: boolean;
  choice: Choice;
  qualities: Quality[];
  original: boolean;
  trouble: Trouble | null;
  /** Seconds, from the API: known before the element knows. */
  expected: number;
}

/** Reads the element and the facts into one snapshot. */
export function takeSnapshot(video: HTMLVideoElement, facts: Facts): Snapshot {
  const { engine } = facts;
  return {
    video,
    attached: engine !== null,
    started: facts.started,
    paused: video.paused,
    ended: video.ended,
    waiting: facts.waiting,
    duration: lengthOf(video, facts.expected),
    live: engine?.live ?? false,
    volume: video.volume,
    muted: video.muted,
    rate: video.playbackRate,
    choice: facts.choice,
    qualities: facts.qualities,
    original: facts.original,
    showing: engine?.showing ?? null,
    captions: captionsOf(video),
    trouble: facts.trouble,
  };
}

function lengthOf(video: HTMLVideoElement, expected: number): number {
  if (Number.isFinite(video.duration) && video.duration > 0) return video.duration;
  const { seekable } = video;
  return seekable.length > 0 ? seekable.end(seekable.length - 1) : expected;
}

function captionsOf(video: HTMLVideoElement): Snapshot['captions'] {
  const tracks = Array.from(video.textTracks).filter((track) =>
    ['captions', 'subtitles'].includes(track.kind),
  );
  return { available: tracks.length > 0, shown: tracks.some((track) => track.mode === 'showing') };
}

/** Equal in everything that is shown; the length in steps of a tenth of a second. */
export function sameSnapshot(a: Snapshot, b: Snapshot): boolean {
  const keys = Object.keys(a) as (keyof Snapshot)[];
  return keys.every((key) => {
    if (key === 'duration') return Math.abs(a.duration - b.duration) < 0.1;
    if (key === 'captions') {
      return a.captions.available === b.captions.available && a.captions.shown === b.captions.shown;
    }
    return Object.is(a[key], b[key]);
  });
}
