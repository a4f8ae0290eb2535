/** A recording that goes to the server as it is made, over WebRTC (WHIP), and is kept nowhere else. */
import { ApiError } from '@/api/errors';
import type { Video } from '@/api/types';
import type { Taking } from '../taking';
import type { Trouble } from '../uplink/trouble';
import { waitForLine, type UplinkView } from '../uplink/uplink';
import { ownEndpoint } from './endpoint';
import { Sender, type Line, type SenderOptions } from './sender';
import { brokenLine, ending, refusal } from './words';

/** What a live take needs to begin. */
export interface LiveOptions {
  title: string;
  videoBits: number;
  /** The tracks to send, when it starts. */
  stream: () => MediaStream;
  /** What the server says about a video. */
  look: (videoId: string) => Promise<Pick<Video, 'state' | 'saved_ms' | 'stopped_by'>>;
  onChange: () => void;
  /** The recording cannot go on: what arrived is a video. */
  onEnded: () => void;
  signal: AbortSignal;
  sender?: Partial<SenderOptions>;
  /** Milliseconds between two looks at what the server has. */
  lookEvery?: number;
  /** How often the end is looked for before giving up. */
  tries?: number;
}

/** See the file comment. */
export class LiveTake implements Taking {
  readonly record: { title: string; videoId: string | null };
  readonly uplink: { view: UplinkView; targeted: Promise<void> };
  readonly createdTitle: string;
  readonly durable = true; // there is nothing to lose by leaving, once it has ended
  savedMs = 0;
  bytes = 0;
  private readonly options: LiveOptions;
  private readonly sender: Sender;
  private early: Trouble | null = null;
  private timer: ReturnType<typeof setInterval> | undefined;
  private switching: Promise<void> = Promise.resolve();
  private ended = false;
  private heard = false;

  private constructor(options: LiveOptions) {
    this.options = options;
    this.createdTitle = options.title;
    this.record = { title: options.title, videoId: null };
    const view: UplinkView = { phase: 'waiting', acked: 0, target: null, trouble: null };
    this.uplink = { view, targeted: Promise.resolve() };
    this.sender = new Sender({
      endpoint: ownEndpoint,
      title: options.title,
      videoBits: options.videoBits,
      onLine: (line) => this.onLine(line),
      ...options.sender,
    });
  }

  /** Connects, and sends nothing yet. Rejects with a LiveRefusal whose message can be shown. */
  static async connect(options: LiveOptions): Promise<LiveTake> {
    let take: LiveTake | null = null;
    try {
      const made = (take = new LiveTake(options));
      const stop = () => void made.sender.end();
      options.signal.addEventListener('abort', stop, { once: true });
      await made.sender.connect();
      options.signal.removeEventListener('abort', stop);
      options.signal.throwIfAborted();
    } catch (cause) {
      await take?.sender.end();
      throw refusal(cause);
    }
    take.record.videoId = take.sender.target?.videoId ?? null;
    take.show({ target: take.sender.target });
    return take;
  }

  start(): void {
    this.resume();
    this.timer = setInterval(() => void this.look(), this.options.lookEvery ?? 2_000);
    window.addEventListener('pagehide', this.hide);
    this.show({ phase: 'sending' });
  }

  /** Nothing at all is sent in a pause: the server cuts it out, as if it had never been. */
  pause(): void {
    this.turn(async () => {
      await this.sender.send(null, null);
      await this.sender.rest();
    });
  }

  resume(): void {
    this.turn(() => {
      const stream = this.options.stream();
      return this.sender.send(
        stream.getVideoTracks()[0] ?? null,
        stream.getAudioTracks()[0] ?? null,
      );
    });
  }

  /** Ends the recording; what is on its way still arrives. */
  async stop(): Promise<void> {
    this.settle();
    await this.switching;
    await this.count();
    this.heard = await this.sender.finish();
  }

  /** Resolves when the server has made a video of what arrived; true if that is all there was. */
  async confirmed(): Promise<boolean> {
    const found = await this.outcome();
    if (found && !this.early) {
      this.show({ phase: 'complete', acked: this.bytes, trouble: null });
      return true;
    }
    this.show({ phase: 'refused', trouble: found ? this.early : ending('nothing') });
    return false;
  }

  /** Ends it; its video is the caller's to remove. */
  async discard(): Promise<void> {
    this.settle();
    await this.sender.end();
  }

  /** Ends it, with a request that outlives the page. What arrived is a video. */
  async leave(): Promise<void> {
    if (this.ended) return;
    this.settle();
    await this.sender.end(true);
  }

  private readonly hide = () => void this.leave();

  private settle(): void {
    this.ended = true;
    clearInterval(this.timer);
    window.removeEventListener('pagehide', this.hide);
  }

  private turn(change: () => Promise<void>): void {
    this.switching = this.switching.then(change).catch(() => undefined);
  }

  /** Whether there is a video: asked until the server answers, since it ends silent sessions by itself. */
  private async outcome(): Promise<boolean> {
    for (let attempt = 0; attempt < (this.options.tries ?? 20); attempt++) {
      if (!this.heard) this.heard = await this.sender.end();
      const video = await this.ask();
      if (video === 'absent') return false;
      if (video && (this.heard || video.state !== 'recording')) return true;
      this.show({ phase: 'troubled', trouble: offline });
      await waitForLine(attempt, this.options.signal);
    }
    return true; // nobody knows; the link does
  }

  private async ask() {
    const id = this.record.videoId;
    if (!id) return 'absent';
    try {
      return await this.options.look(id);
    } catch (cause) {
      return cause instanceof ApiError && cause.status === 404 ? 'absent' : null;
    }
  }

  private async count(): Promise<void> {
    this.bytes = Math.max(this.bytes, await this.sender.bytes().catch(() => 0));
  }

  private async look(): Promise<void> {
    const [video] = await Promise.all([this.ask(), this.count()]);
    if (this.ended) return;
    if (video === 'absent') return this.endEarly(ending('removed'));
    if (video) {
      this.savedMs = Math.max(this.savedMs, video.saved_ms);
      if (video.state !== 'recording')
        return this.endEarly(ending(video.stopped_by ? 'bound' : 'server'));
    }
    this.options.onChange();
  }

  private onLine(line: Line): void {
    if (this.ended) return;
    if (line === 'broken') this.show({ phase: 'troubled', trouble: brokenLine });
    else if (line === 'connected') this.show({ phase: 'sending', trouble: null });
    else if (line === 'gone') void this.lost();
  }

  /** The connection is gone for good; the server may know why. */
  private async lost(): Promise<void> {
    const video = await this.ask();
    if (this.ended) return;
    if (video === 'absent') return this.endEarly(ending('removed'));
    if (video?.stopped_by) return this.endEarly(ending('bound'));
    this.endEarly(ending(video && video.state !== 'recording' ? 'server' : 'lost'));
  }

  private endEarly(why: Trouble): void {
    if (this.early) return;
    this.early = why;
    this.settle();
    this.options.onEnded();
  }

  private show(change: Partial<UplinkView>): void {
    this.uplink.view = { ...this.uplink.view, ...change };
    this.options.onChange();
  }
}

const offline: Trouble = {
  kind: 'offline',
  message:
    'The server cannot be reached, so it is not certain that the last seconds arrived. What it has is a video.',
};
