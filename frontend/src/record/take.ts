/** One recording from its first to its last byte: MediaRecorder → local copy → server, in this order. */
import { audioBits, pickType, videoBits, type FormatChoice, type Size } from './format';
import { randomId } from './id';
import { holdTake } from './spool/locks';
import { SpillingSpool, type Spool } from './spool/spool';
import type { TakeRecord } from './spool/database';
import type { Takes } from './spool/takes';
import type { Taking } from './taking';
import { savedMs, type Mark } from './uplink/marks';
import { Uplink, type Target, type UplinkView } from './uplink/uplink';

/** What a take needs to begin. */
export interface TakeOptions {
  takes: Takes;
  stream: MediaStream;
  size: Size;
  format: FormatChoice;
  title: string;
  /** Makes the video on the server. */
  create: (take: TakeRecord, key: string) => Promise<Target>;
  /** Recorded milliseconds now. */
  elapsed: () => number;
  onChange: () => void;
  onNotice: (text: string) => void;
  /** The workspace allows no more: what the server has is a video already. */
  onBound: () => void;
  /** MediaRecorder gave up by itself; what it delivered is kept. */
  onBroken: () => void;
}

interface RecorderOptions extends MediaRecorderOptions {
  videoKeyFrameIntervalDuration?: number;
}

/** See the file comment. */
export class Take implements Taking {
  readonly record: TakeRecord;
  readonly uplink: Uplink;
  /** The title the server was given; a later one must be sent after it. */
  createdTitle: string | null = null;
  private readonly options: TakeOptions;
  private readonly spool: Spool;
  private readonly recorder: MediaRecorder;
  private readonly release: () => void;
  private readonly marks: Mark[] = [];
  private writing: Promise<void> = Promise.resolve();
  private sending: Promise<boolean> | null = null;

  private constructor(options: TakeOptions, record: TakeRecord, spool: Spool, release: () => void) {
    this.options = options;
    this.record = record;
    this.spool = new SpillingSpool(spool, () =>
      options.onNotice(
        'This browser has no room left for the local copy. The recording goes on from memory; keep this tab open.',
      ),
    );
    this.release = release;
    this.recorder = newRecorder(options, record.mime);
    this.recorder.ondataavailable = (event) => this.take(event.data);
    this.recorder.onerror = () => options.onBroken();
    this.uplink = new Uplink({
      bytes: this.spool,
      target: null,
      create: (key) => {
        this.createdTitle = this.record.title;
        return options.create(this.record, key);
      },
      onChange: (view) => this.onUplink(view),
    });
  }

  /** Opens the local copy and the recorder. Rejects when the browser has no codec for us. */
  static async begin(options: TakeOptions): Promise<Take> {
    const mime = pickType(options.format, options.size, (type) =>
      MediaRecorder.isTypeSupported(type),
    );
    if (!mime) throw new Error('This browser can record neither MP4 nor WebM.');
    const id = randomId();
    const release = (await holdTake(id)) ?? (() => undefined);
    const { spool, backend } = await options.takes.openSpool(id);
    const record: TakeRecord = {
      id,
      title: options.title,
      mime,
      backend,
      startedAt: Date.now(),
      bytes: 0,
      durationMs: 0,
      state: 'recording',
      videoId: null,
      slug: null,
      uploadUrl: null,
      watchUrl: null,
    };
    await options.takes.save(record).catch(() => undefined);
    if (!spool.durable)
      options.onNotice(
        'This browser keeps no local copy (private window?). Keep this tab open until everything is sent.',
      );
    return new Take(options, record, spool, release);
  }

  /** Recorded time the server has acknowledged, in milliseconds. */
  get savedMs(): number {
    return savedMs(this.marks, this.uplink.view.acked);
  }

  /** Whether the bytes would survive the end of this tab. */
  get durable(): boolean {
    return this.spool.durable;
  }

  /** Bytes recorded so far. */
  get bytes(): number {
    return this.spool.size;
  }

  start(): void {
    // A chunk a second; MP4 delivers when a fragment closes, every key frame, that is every two seconds.
    this.recorder.start(1000);
    this.sending = this.uplink.run();
  }

  pause(): void {
    if (this.recorder.state === 'recording') this.recorder.pause();
  }

  resume(): void {
    if (this.recorder.state === 'paused') this.recorder.resume();
  }

  /** Ends the recording; resolves when the last byte is in the local copy. */
  async stop(durationMs: number): Promise<void> {
    if (this.recorder.state !== 'inactive') {
      const stopped = new Promise<void>((resolve) => {
        this.recorder.onstop = () => resolve();
      });
      this.recorder.stop();
      await stopped;
    }
    await this.writing;
    this.record.state = 'stopped';
    this.record.durationMs = durationMs;
    const last = this.marks.at(-1);
    if (last) last.ms = durationMs;
    await this.save();
    this.uplink.source.finish();
  }

  /** Resolves true when the server has confirmed every byte; the local copy goes then, and only then. */
  async confirmed(): Promise<boolean> {
    const whole = await (this.sending ?? Promise.resolve(false));
    if (!whole) return false;
    await this.spool.close();
    await this.options.takes.remove(this.record).catch(() => undefined);
    this.release();
    return true;
  }

  /** Tries once more, after a refusal, as a new video of the same recording. */
  sendAgain(): void {
    const record = Object.assign(this.record, {
      videoId: null,
      slug: null,
      uploadUrl: null,
      watchUrl: null,
    });
    this.uplink.forgetTarget();
    void this.options.takes.save(record).catch(() => undefined);
    this.sending = this.uplink.run();
  }

  /** The whole recording so far, from the local copy. */
  file(): Promise<Blob> {
    return this.spool
      .read(0, this.spool.size)
      .then((bytes) => bytes.slice(0, bytes.size, this.record.mime));
  }

  /** Throws the take away: sending ends and the local copy is removed. */
  async discard(): Promise<void> {
    this.recorder.ondataavailable = null;
    if (this.recorder.state !== 'inactive') this.recorder.stop();
    await this.uplink.stop();
    await this.writing;
    await this.spool.close();
    await this.options.takes.remove(this.record).catch(() => undefined);
    this.release();
  }

  /** Lets the take go without touching its local copy: it is offered again as unfinished. */
  async leave(): Promise<void> {
    await this.uplink.stop();
    if (this.recorder.state !== 'inactive') await this.stop(this.options.elapsed());
    await this.spool.close();
    this.release();
  }

  private take(data: Blob): void {
    if (data.size === 0) return;
    const ms = this.options.elapsed();
    this.writing = this.writing.then(() => this.keep(data, ms));
  }

  private async keep(data: Blob, ms: number): Promise<void> {
    await this.spool.append(await data.arrayBuffer());
    const mark = { end: this.spool.size, ms };
    this.marks.push(mark);
    Object.assign(this.record, { bytes: mark.end, durationMs: ms });
    this.uplink.source.grown();
    this.options.onChange();
    await this.options.takes.mark(this.record, mark).catch(() => undefined);
  }

  private onUplink(view: UplinkView): void {
    if (view.target && view.target.videoId !== this.record.videoId) {
      Object.assign(this.record, view.target);
      void this.save();
    }
    this.options.onChange();
    if (view.phase === 'refused' && view.trouble?.kind === 'bound') this.options.onBound();
  }

  private save(): Promise<void> {
    return this.options.takes.save(this.record).catch(() => undefined);
  }
}

function newRecorder({ stream, size }: TakeOptions, mimeType: string): MediaRecorder {
  const options: RecorderOptions = {
    mimeType,
    videoBitsPerSecond: videoBits(size, mimeType),
    audioBitsPerSecond: audioBits,
    // The MP4 muxer closes a fragment only at a key frame; its default is every 100 frames, minutes on a still screen.
    videoKeyFrameIntervalDuration: 2000,
  };
  return new MediaRecorder(stream, options);
}
