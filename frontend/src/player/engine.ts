import type { Quality, Source } from './model';

/** What an engine asks of, and tells, the playback that owns it. */
export interface EngineHost {
  /** The newest grant, for every request. */
  grant(): string | null;
  /**
   * Something failed that the engine cannot mend. `status` is the HTTP status, 0 for none, null for a decoder's fault;
   * `piece` is the address of the piece of media that did not come, if it was one.
   */
  failed(status: number | null, piece?: string): void;
  /** Levels, the level shown, or liveness changed. */
  changed(): void;
}

/** A source attached to a video element. */
export interface Engine {
  readonly source: Source;
  /** True while the end of the stream is still being recorded. */
  readonly live: boolean;
  readonly qualities: Quality[];
  /** The rung on screen, when known. */
  readonly showing: string | null;
  /** Insists on a rung; null leaves it to the connection. False when the engine has no such rung. */
  choose(rung: string | null): boolean;
  /** Goes on after a failure, at a second. */
  revive(url: string, at: number): void;
  destroy(): void;
}

/** Attaches a source so that it starts at a second; null starts at the live edge, or the beginning. */
export async function attach(
  video: HTMLVideoElement,
  source: Source,
  at: number | null,
  host: EngineHost,
): Promise<Engine> {
  if (source.kind === 'progressive') return attachFile(video, source, at, host);
  const { attachHls } = await import('./hls');
  return attachHls(video, source, at, host) ?? attachFile(video, source, at, host);
}

// Also the way to native HLS, where there are no media source extensions (older iPhones).
function attachFile(
  video: HTMLVideoElement,
  source: Source,
  at: number | null,
  host: EngineHost,
): Engine {
  const done = new AbortController();
  // The element tells nothing of the HTTP status: 0 lets the owner ask the API what is the matter.
  const onError = () => host.failed(video.error?.code === MediaError.MEDIA_ERR_DECODE ? null : 0);
  video.addEventListener('error', onError, { signal: done.signal });
  const load = (url: string, second: number | null) => {
    video.src = url;
    if (second !== null && second > 0) video.currentTime = second;
  };
  load(source.url, at);
  return {
    source,
    live: false,
    qualities: [],
    showing: 'source',
    choose: (rung) => rung === null,
    revive: (url, second) => {
      load(url, second);
    },
    destroy: () => {
      done.abort();
      video.removeAttribute('src');
      video.load();
    },
  };
}
