import Hls, { type ErrorData, type HlsConfig, type Level } from 'hls.js';
import type { Engine, EngineHost } from './engine';
import { withGrant } from './grant';
import { quality, rungOf, sortQualities } from './master';
import type { Quality, Source } from './model';

// A lapsed grant may show as any of these: an absent video and a forbidden one look the same.
const REFUSED = new Set([401, 403, 404, 410]);

/** Attaches by hls.js; null where the browser has no media source extensions. */
export function attachHls(
  video: HTMLVideoElement,
  source: Source,
  at: number | null,
  host: EngineHost,
): Engine | null {
  if (!Hls.isSupported()) return null;
  let engine: HlsEngine | null = null;
  const hls = new Hls(settings(at, host, () => engine?.live ?? false));
  engine = new HlsEngine(hls, source, host, video);
  hls.loadSource(source.url);
  hls.attachMedia(video);
  return engine;
}

// A server that restarts is away for a moment, or another one takes over: whoever plays does not hear of that. What is
// refused (4xx) is not asked for again.
const patient = (tries: number) => ({
  default: {
    maxTimeToFirstByteMs: 10_000,
    maxLoadTimeMs: 20_000,
    timeoutRetry: { maxNumRetry: 2, retryDelayMs: 0, maxRetryDelayMs: 0 },
    errorRetry: {
      maxNumRetry: tries,
      retryDelayMs: 500,
      maxRetryDelayMs: 4000,
      backoff: 'exponential' as const,
    },
  },
});

function settings(at: number | null, host: EngineHost, growing: () => boolean): Partial<HlsConfig> {
  return {
    // Fragmented MP4 passes through untouched: a worker would only cost its start, and a blob: address in the policy.
    enableWorker: false,
    lowLatencyMode: false,
    startPosition: at ?? -1,
    startFragPrefetch: true,
    capLevelToPlayerSize: true,
    // Screen text is judged at once: begin with a fair guess and not at the lowest rung.
    abrEwmaDefaultEstimate: 4_000_000,
    maxBufferLength: 30,
    backBufferLength: 90,
    manifestLoadPolicy: patient(3),
    playlistLoadPolicy: patient(4),
    xhrSetup: (xhr, url) => {
      xhr.open('GET', withGrant(url, host.grant()), true);
      // Browsers piece ranges of one address together, which goes wrong while the file grows.
      if (growing()) xhr.setRequestHeader('Cache-Control', 'no-cache');
    },
  };
}

class HlsEngine implements Engine {
  live = false;
  qualities: Quality[] = [];
  private rung: string | null;
  private mended = false;
  private readonly done = new AbortController();

  constructor(
    private readonly hls: Hls,
    readonly source: Source,
    private readonly host: EngineHost,
    video: HTMLVideoElement,
  ) {
    this.rung = source.rung;
    this.keepGoing(video);
    hls.on(Hls.Events.MANIFEST_PARSED, (_event, data) => {
      this.readLevels(data.levels);
    });
    hls.on(Hls.Events.LEVEL_LOADED, (_event, data) => {
      if (data.details.live === this.live) return;
      this.live = data.details.live;
      host.changed();
    });
    hls.on(Hls.Events.LEVEL_SWITCHED, () => {
      host.changed();
    });
    hls.on(Hls.Events.ERROR, (_event, data) => {
      this.onError(data);
    });
  }

  get showing(): string | null {
    const level = this.hls.levels[this.hls.currentLevel];
    return level ? rungOf(level.uri) : null;
  }

  choose(rung: string | null): boolean {
    if (rung === this.rung) return true;
    const index = rung === null ? -1 : this.hls.levels.findIndex((l) => rungOf(l.uri) === rung);
    if (rung !== null && index < 0) return false;
    this.rung = rung;
    this.hls.nextLevel = index;
    return true;
  }

  revive(url: string, at: number): void {
    this.mended = false;
    if (this.hls.levels.length === 0) this.hls.loadSource(url);
    else this.hls.startLoad(at);
  }

  destroy(): void {
    this.done.abort();
    this.hls.destroy();
  }

  private readLevels(levels: Level[]): void {
    const seen = new Map<string, Quality>();
    for (const level of levels) {
      const id = rungOf(level.uri);
      if (!seen.has(id)) seen.set(id, quality(id, level.height));
    }
    this.qualities = sortQualities([...seen.values()]);
    if (this.rung !== null) {
      const index = levels.findIndex((level) => rungOf(level.uri) === this.rung);
      if (index >= 0) this.hls.loadLevel = index;
    }
    this.host.changed();
  }

  // When a decoder stumbles, hls.js gives the element a new buffer, which stops it without a 'pause' event.
  private keepGoing(video: HTMLVideoElement): void {
    let playing = !video.paused;
    const on = (name: string, now: boolean) =>
      video.addEventListener(name, () => (playing = now), { signal: this.done.signal });
    on('play', true);
    on('pause', false);
    this.hls.on(Hls.Events.MEDIA_ATTACHED, () => {
      if (playing && video.paused) video.play().catch(() => undefined);
    });
  }

  private onError(data: ErrorData): void {
    const status = data.response?.code ?? 0;
    if (data.type === Hls.ErrorTypes.NETWORK_ERROR) {
      if (data.fatal || REFUSED.has(status)) this.host.failed(status, data.frag?.url);
      return;
    }
    if (!data.fatal) return;
    if (data.type === Hls.ErrorTypes.MEDIA_ERROR && !this.mended) {
      this.mended = true;
      this.hls.recoverMediaError();
      return;
    }
    this.host.failed(null);
  }
}
