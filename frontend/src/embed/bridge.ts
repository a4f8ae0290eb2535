import type { Playback } from '../player/playback';

/**
 * What the page around a frame may do with the player: play, pause, seek, ask how it stands. It may be told by the sites
 * that the workspace lists, and by them alone; nothing else can be asked for, and nothing on the server changes.
 *
 * To the frame:   { meanwhile: 1, command: 'play' | 'pause' | 'query' } or { meanwhile: 1, command: 'seek', at_ms: 42000 }
 * From the frame: { meanwhile: 1, event: 'ready' | 'play' | 'pause' | 'seeked' | 'timeupdate' | 'ended' | 'state',
 *                   at_ms, duration_ms, paused, muted, width, height }
 */
export const VERSION = 1;

export type Command =
  | { command: 'play' }
  | { command: 'pause' }
  | { command: 'query' }
  | { command: 'seek'; at: number };

/** The command in a message, or null for whatever else pages say to each other. */
export function commandOf(data: unknown): Command | null {
  if (typeof data !== 'object' || data === null) return null;
  const { meanwhile, command, at_ms: at } = data as Record<string, unknown>;
  if (meanwhile !== VERSION) return null;
  if (command === 'play' || command === 'pause' || command === 'query') return { command };
  if (command !== 'seek' || typeof at !== 'number' || !Number.isFinite(at) || at < 0) return null;
  return { command, at: at / 1000 };
}

const TOLD = ['play', 'pause', 'seeked', 'timeupdate', 'ended'] as const;
const AT_MOST_EVERY_MS = 250;

/** Opens the line to the page around this one. `allowed` are the origins that may use it. */
export function openBridge(playback: Playback, allowed: readonly string[]): () => void {
  const around = window.parent;
  if (around === window) return () => undefined;
  const done = new AbortController();
  const { signal } = done;
  let origin = surrounding(allowed);
  const tell = (event: string) => {
    if (origin !== null) {
      around.postMessage({ meanwhile: VERSION, event, ...stateOf(playback) }, origin);
    }
  };
  addEventListener(
    'message',
    (message) => {
      if (message.source !== around || !allowed.includes(message.origin)) return;
      const asked = commandOf(message.data);
      if (asked === null) return;
      origin = message.origin;
      if (asked.command === 'query') tell('state');
      else if (asked.command === 'seek') playback.seek(asked.at);
      else playback[asked.command]();
    },
    { signal },
  );
  follow(playback, tell, signal);
  tell('ready');
  return () => done.abort();
}

// The element may be exchanged for another one (player/stack.ts), so events are caught on their way down to it.
function follow(playback: Playback, tell: (event: string) => void, signal: AbortSignal): void {
  let last = 0;
  for (const name of TOLD) {
    document.addEventListener(
      name,
      (event) => {
        if (event.target !== playback.getSnapshot().video) return;
        if (name === 'timeupdate' && event.timeStamp - last < AT_MOST_EVERY_MS) return;
        last = event.timeStamp;
        tell(name);
      },
      { signal, capture: true },
    );
  }
}

function stateOf(playback: Playback) {
  const { video, duration } = playback.getSnapshot(); // the element is ahead of the rest of it
  return {
    at_ms: Math.round(playback.currentTime * 1000),
    duration_ms: Math.round((Number.isFinite(duration) ? duration : 0) * 1000),
    paused: video.paused,
    muted: video.muted,
    width: video.videoWidth,
    height: video.videoHeight,
  };
}

/** Who is around, as far as the browser says; a message of theirs tells for certain. */
function surrounding(allowed: readonly string[]): string | null {
  const told = location.ancestorOrigins?.[0] ?? originOf(document.referrer);
  return told !== null && allowed.includes(told) ? told : null;
}

function originOf(url: string): string | null {
  return URL.canParse(url) ? new URL(url).origin : null;
}
