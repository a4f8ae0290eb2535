import { attach, type Engine, type EngineHost } from './engine';
import { grantOf, withGrant } from './grant';
import { parseMaster } from './master';
import type { Choice, Playable, Quality, Source, Trouble } from './model';
import { sameSnapshot, takeSnapshot, type Snapshot } from './snapshot';
import { nextStep, pickSource } from './source';
import { handOver } from './stack';
import { keepTaste, readTaste } from './resume';
import { missing, troubleOf } from './trouble';

/** Asks the API for the video again; null when the viewer may not see it (any more). */
export type Reload = () => Promise<Playable | null>;

// Before each try to go on after a failure; after the last one the viewer is told.
const REVIVE_AFTER_MS = [0, 1_000, 2_000, 4_000];

/**
 * Plays one video. Owns the element, the engine behind it and the change from one source to the next; knows nothing of
 * React, so that the first frame need not wait for it.
 */
export class Playback {
  private element: HTMLVideoElement;
  private engine: Engine | null = null;
  private video: Playable | null = null;
  private grant: string | null = null;
  private choice: Choice = 'auto';
  private qualities: Quality[] = [];
  private trouble: Trouble | null = null;
  private started = false;
  private waiting = false;
  private busy = false;
  private reviving = false;
  /** The viewer wants it to play; an error that stops it does not change that. */
  private intent = false;
  private revivals = 0;
  /** The address of the piece of media that did not come last. */
  private piece: string | undefined;
  private listening = new AbortController();
  private readonly listeners = new Set<() => void>();
  private snapshot: Snapshot;

  constructor(
    element: HTMLVideoElement,
    private readonly reload: Reload,
  ) {
    this.element = element;
    const taste = readTaste();
    element.volume = taste.volume;
    element.muted = taste.muted;
    element.defaultPlaybackRate = taste.rate;
    element.playbackRate = taste.rate;
    this.listen();
    this.snapshot = this.look();
    addEventListener('online', () => {
      if (this.trouble !== null) this.retry();
    });
  }

  // For useSyncExternalStore.
  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
  readonly getSnapshot = (): Snapshot => this.snapshot;

  get currentTime(): number {
    return this.element.currentTime;
  }

  /** Takes the newest word on the video: a fresh grant, a first source, or a better one. */
  async update(video: Playable, at: number | null = null): Promise<void> {
    this.video = video;
    const { hls, progressive, poster } = video.playback;
    this.grant = grantOf(hls ?? progressive ?? '') ?? this.grant;
    if (poster !== null && !this.started && !this.element.poster) this.element.poster = poster;
    await this.follow(at);
    this.changed();
  }

  play(): void {
    if (this.element.ended) this.element.currentTime = 0;
    this.element.play().catch(() => {
      this.changed(); // Refused without a gesture: the big button stays.
    });
  }

  pause(): void {
    this.element.pause();
  }

  toggle(): void {
    if (this.element.paused || this.element.ended) this.play();
    else this.pause();
  }

  seek(second: number): void {
    const end = this.snapshot.duration || Infinity;
    this.element.currentTime = Math.min(Math.max(0, second), end);
    this.changed();
  }

  /** To the newest second of a recording that still runs. */
  seekLive(): void {
    this.seek(this.snapshot.duration - 3);
    this.play();
  }

  setRate(rate: number): void {
    this.element.defaultPlaybackRate = rate;
    this.element.playbackRate = rate;
    this.keepTaste();
  }

  setVolume(volume: number, muted = volume === 0): void {
    this.element.volume = Math.min(1, Math.max(0, volume));
    this.element.muted = muted;
    this.keepTaste();
  }

  toggleMuted(): void {
    const silent = this.element.muted || this.element.volume === 0;
    this.setVolume(silent && this.element.volume === 0 ? 0.5 : this.element.volume, !silent);
  }

  showCaptions(shown: boolean): void {
    const tracks = Array.from(this.element.textTracks);
    for (const track of tracks) track.mode = 'disabled';
    const first = tracks.find((track) => ['captions', 'subtitles'].includes(track.kind));
    if (first && shown) first.mode = 'showing';
    this.changed();
  }

  /** 'auto', 'source' or a rung; from file to stream and back without losing the place. */
  async choose(choice: Choice): Promise<void> {
    this.choice = choice;
    this.changed();
    await this.follow(null);
  }

  /** Tries again after a trouble, with fresh addresses. */
  retry(): void {
    this.trouble = null;
    this.revivals = 0;
    this.waiting = true;
    this.changed();
    void this.revive(0, true);
  }

  private async follow(at: number | null): Promise<void> {
    const video = this.video;
    if (video === null || this.busy) return;
    const next = pickSource(video, this.choice);
    const step = nextStep(this.engine?.source ?? null, next, video);
    if (next === null || step === 'keep') {
      this.engine?.choose(next?.rung ?? null);
      return this.listQualities();
    }
    this.busy = true;
    try {
      if (step === 'attach') this.engine = await this.attach(this.element, next, at);
      else await this.swap(next);
    } catch {
      return this.fail(troubleOf(0)); // hls.js itself could not be fetched.
    } finally {
      this.busy = false;
    }
    // The viewer or the server may have changed their mind meanwhile.
    const { engine } = this;
    if (engine?.source.identity === next.identity) await this.follow(null);
    this.listQualities();
  }

  private async swap(next: Source): Promise<void> {
    if (document.pictureInPictureElement === this.element) {
      this.element.addEventListener('leavepictureinpicture', () => void this.follow(null), {
        once: true,
      });
      return;
    }
    const taken = await handOver(this.element, (to, at) => this.attach(to, next, at));
    if (taken === null) return;
    const old = { element: this.element, engine: this.engine };
    taken.video.id = old.element.id;
    this.element = taken.video;
    this.engine = taken.engine;
    this.listen();
    this.changed();
    old.engine?.destroy();
    old.element.remove();
  }

  // A file knows no rungs: read them from the playlist that stands beside it.
  private listQualities(): void {
    if (this.engine?.qualities.length) {
      this.qualities = this.engine.qualities;
      return;
    }
    const hls = this.video?.playback.hls;
    if (!hls || this.video?.state !== 'ready' || this.qualities.length > 0) return;
    fetch(hls)
      .then(async (answer) => {
        if (answer.ok) this.qualities = parseMaster(await answer.text());
        this.changed();
      })
      .catch(() => undefined); // Only a menu is shorter.
  }

  // An engine that is only being prepared on a second element has no say yet.
  private attach(element: HTMLVideoElement, source: Source, at: number | null): Promise<Engine> {
    const host: EngineHost = {
      grant: () => this.grant,
      failed: (status, piece) => {
        if (element !== this.element) return;
        this.piece = piece;
        void this.revive(status);
      },
      changed: () => {
        if (this.engine?.qualities.length) this.qualities = this.engine.qualities;
        this.changed();
      },
    };
    return attach(element, source, at, host);
  }

  // Most failures are a lapsed grant or a dropped line: ask for the video again and go on from the same second. One
  // lapse fails several requests, so what fails meanwhile is already being seen to.
  private async revive(status: number | null, play = this.intent): Promise<void> {
    if (this.reviving) return;
    const pause = REVIVE_AFTER_MS[this.revivals];
    if (status === null) return this.fail(troubleOf(status));
    this.reviving = true;
    if (pause === undefined) {
      const trouble = await this.inquire(status);
      this.reviving = false;
      return this.fail(trouble);
    }
    this.revivals++;
    const at = this.element.currentTime;
    await new Promise((resolve) => setTimeout(resolve, pause));
    const video = await this.reload().catch(() => undefined);
    this.reviving = false;
    if (video === undefined) return this.revive(0, play);
    if (video === null) return this.fail(troubleOf(404));
    await this.update(video);
    const next = pickSource(video, this.choice);
    if (next && this.engine) this.engine.revive(next.url, at);
    if (play) this.play();
  }

  // Where media comes from a bucket, the server does not hear what the bucket refuses. HEAD asks the server itself, which
  // lets whoever looks after it know. The video was there a moment ago, with a fresh grant, so it is not that.
  private async inquire(status: number): Promise<Trouble> {
    const source = this.engine?.source;
    const file = source?.kind === 'progressive' ? source.url : undefined;
    const address = this.piece ?? file;
    if (address === undefined) return troubleOf(status);
    // A file always passes through the server, which makes its beginning itself; its end is media.
    const how = this.piece ? { method: 'HEAD' } : { headers: { Range: 'bytes=-1' } };
    // The way to the bucket is still in the browser's cache, and would answer in the server's place.
    const answer = await fetch(withGrant(address, this.grant), { ...how, cache: 'no-store' }).catch(
      () => null,
    );
    return answer?.status === 404 ? missing : troubleOf(status);
  }

  private fail(trouble: Trouble): void {
    this.trouble = trouble;
    this.element.pause();
    this.changed();
  }

  private listen(): void {
    this.listening.abort();
    this.listening = new AbortController();
    const { signal } = this.listening;
    const on = (names: string, handle: () => unknown) => {
      for (const name of names.split(' ')) {
        this.element.addEventListener(name, handle, { signal });
      }
    };
    on('pause ended volumechange ratechange durationchange loadedmetadata progress', this.changed);
    on('play', () => (this.intent = true));
    on('pause', () => (this.intent &&= this.element.error !== null));
    on('waiting seeking', () => this.setWaiting(true));
    on('playing canplay seeked pause', () => this.setWaiting(this.element.readyState < 3));
    on('playing seeked', () => {
      this.started ||= !this.element.paused;
      this.revivals = 0;
      this.trouble = null;
      this.changed();
    });
    this.element.textTracks.addEventListener?.('addtrack', this.changed, { signal });
  }

  private setWaiting(waiting: boolean): void {
    this.waiting = waiting;
    this.changed();
  }

  private keepTaste(): void {
    const { volume, muted, playbackRate: rate } = this.element;
    keepTaste({ volume, muted, rate });
    this.changed();
  }

  private look(): Snapshot {
    return takeSnapshot(this.element, {
      engine: this.engine,
      started: this.started,
      waiting: this.waiting,
      choice: this.choice,
      qualities: this.qualities,
      original: Boolean(this.video?.playback.progressive),
      trouble: this.trouble,
      expected: (this.video?.duration_ms ?? 0) / 1000,
    });
  }

  private readonly changed = (): void => {
    const next = this.look();
    if (sameSnapshot(this.snapshot, next)) return;
    this.snapshot = next;
    for (const listener of this.listeners) listener();
  };
}
