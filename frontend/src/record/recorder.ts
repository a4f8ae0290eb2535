/**
 * The recorder behind the page: joins the state machine, the devices and the take. No framework: a page subscribes and
 * reads snapshots. All side effects of a transition are started here, right where the event is sent.
 */
import { ApiError } from '@/api/errors';
import { videos } from '@/api/videos';
import { Beginning } from './beginning';
import { deviceTrouble, listDevices } from './capture/devices';
import type { Bubble } from './capture/layout';
import { Stage, StageError } from './capture/stage';
import { elapsed, isBusy, reduce, type Event, type Mode } from './machine';
import { loadSettings, saveSettings, withQuery, type Settings } from './settings';
import { stayAwake } from './wake';
import type { TakeRecord } from './spool/database';
import { Takes } from './spool/takes';
import { emptySnapshot, nothingUsed, type Snapshot } from './snapshot';
import { Take } from './take';
import type { Taking } from './taking';

/** See the file comment. */
export class Recorder {
  private readonly beginning: Beginning;
  private readonly listeners = new Set<() => void>();
  private stage: Stage | null = null;
  private take: Taking | null = null;
  private timer: ReturnType<typeof setInterval> | undefined;
  private starting = false;
  private sleep: () => void = () => undefined;
  private snap: Snapshot;

  constructor(takes: Takes = new Takes(), search: string = location.search) {
    this.snap = emptySnapshot(withQuery(loadSettings(), search));
    this.beginning = new Beginning(takes, {
      settings: () => this.snap.settings,
      title: () => this.snap.title,
      elapsed: this.elapsed,
      onChange: () => this.look(),
      onNotice: (text) => this.notice(text),
      onEnded: (why) => void this.sourceEnded(why),
      onConnecting: (connecting) => this.update({ connecting }),
    });
  }

  /** The current snapshot; the same object until something changes. */
  snapshot = (): Snapshot => this.snap;

  /** Calls back after every change, until the returned function is called. */
  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Follows the browser (devices, closing) until the returned function is called. */
  attach(): () => void {
    const devices = () => void this.refreshDevices();
    const leaving = (event: BeforeUnloadEvent) => {
      if (isBusy(this.snap.state) || (this.take && !this.take.durable)) event.preventDefault();
    };
    navigator.mediaDevices?.addEventListener('devicechange', devices);
    window.addEventListener('beforeunload', leaving);
    devices();
    return () => {
      navigator.mediaDevices?.removeEventListener('devicechange', devices);
      window.removeEventListener('beforeunload', leaving);
      void this.abandon();
    };
  }

  /** The page goes away: devices are released; what is recorded stays in this browser and is offered again. */
  private async abandon(): Promise<void> {
    clearInterval(this.timer);
    const { take } = this;
    this.take = null;
    this.beginning.drop();
    this.closeStage();
    await take?.leave();
  }

  /** Asks for the devices of a mode and shows a preview. */
  async choose(mode: Mode): Promise<void> {
    if (!this.send({ type: 'choose', mode })) return;
    this.update({ settings: { ...this.snap.settings, mode }, notices: [] });
    saveSettings(this.snap.settings);
    try {
      const stage = await Stage.open(mode, this.snap.settings, this.stageEvents());
      // The person may have gone back while the browser was asking.
      if (this.snap.state.name !== 'choosing') return stage.close();
      this.stage = stage;
      this.send({ type: 'granted' });
      this.look();
      await this.refreshDevices();
    } catch (cause) {
      this.send({
        type: 'denied',
        reason: cause instanceof StageError ? cause.message : deviceTrouble(cause, 'screen'),
      });
    }
  }

  /** Back to the choice; from the ready page, a failed or a done take. */
  async back(): Promise<void> {
    if (!this.send({ type: 'back' })) return;
    clearInterval(this.timer);
    if (this.snap.state.name !== 'idle') return;
    await this.take?.leave();
    this.clear();
  }

  /** Starts the countdown, or records at once where it is switched off. */
  start(): void {
    if (this.snap.state.name !== 'ready' || !this.stage || this.starting) return;
    this.beginning.prepare(this.stage);
    if (!this.snap.settings.countdown) return void this.record();
    this.send({ type: 'count', from: 3 });
    this.timer = setInterval(() => {
      this.send({ type: 'tick' });
      const { state } = this.snap;
      if (state.name === 'countdown' && state.left === 0) void this.record();
    }, 1000);
  }

  /** Ends the countdown early and records. */
  skip(): void {
    if (this.snap.state.name === 'countdown') void this.record();
  }

  pause(): void {
    if (this.send({ type: 'pause', now: performance.now() })) this.take?.pause();
  }

  resume(): void {
    if (this.send({ type: 'resume', now: performance.now() })) this.take?.resume();
  }

  /** Ends the take: the link goes to the clipboard, the rest to the server. */
  async stop(): Promise<void> {
    // The clipboard wants the click that stopped us, so it comes before any waiting.
    const copying = this.copyLink();
    if (this.send({ type: 'stop', now: performance.now() })) await this.finish(copying);
  }

  /** Throws the take away; what the server has of it goes to the trash. Also ends a countdown. */
  async cancel(): Promise<void> {
    clearInterval(this.timer);
    this.beginning.drop();
    const taking = isBusy(this.snap.state);
    if (!this.send({ type: 'cancel' }) || !taking) return;
    const { take } = this;
    this.take = null;
    this.clear();
    await take?.discard();
    const id = take?.record.videoId;
    if (id)
      await videos.trash(id).catch((cause: unknown) => {
        // It had nothing yet.
        if (cause instanceof ApiError && cause.status === 404) return;
        this.notice(
          'The server could not be reached: what it has of this recording is still in your library.',
        );
      });
  }

  /** After a refusal: sends the whole recording again as a new video. */
  async retry(): Promise<void> {
    const { take } = this;
    if (!(take instanceof Take) || !this.send({ type: 'retry' })) return;
    take.sendAgain();
    await this.conclude(take);
  }

  /** The recording as far as it is in this browser, with its type. */
  async file(): Promise<Blob | null> {
    return this.take instanceof Take ? this.take.file() : null;
  }

  /** The take's data for naming a download. */
  get takeRecord(): TakeRecord | null {
    return this.take instanceof Take ? this.take.record : null;
  }

  /** Puts the link on the clipboard; false where the browser refuses or there is no link yet. */
  async copyLink(): Promise<boolean> {
    const link = this.snap.uplink?.target?.watchUrl;
    if (!link) return false;
    try {
      await navigator.clipboard.writeText(new URL(link, location.href).href);
      this.update({ copied: true });
      return true;
    } catch {
      this.update({ copied: false });
      return false;
    }
  }

  setTitle(title: string): void {
    this.update({ title });
    if (this.take && title.trim()) this.take.record.title = title.trim();
  }

  setMuted(muted: boolean): void {
    this.stage?.setMuted(muted);
    this.update({ muted });
  }

  setBubble(bubble: Bubble): void {
    this.stage?.setBubble(bubble);
    this.remember({ bubble });
  }

  /** Remembers settings that need no open device. */
  remember(change: Partial<Settings>): void {
    this.update({ settings: { ...this.snap.settings, ...change } });
    saveSettings(this.snap.settings);
  }

  async useCamera(id: string): Promise<void> {
    this.remember({ cameraId: id });
    await this.stage?.changeCamera(id).catch((cause: unknown) => this.complain(cause));
    this.look();
  }

  /** A microphone by id, or none. */
  async useMicrophone(id: string | null): Promise<void> {
    this.remember(id === null ? { microphone: false } : { microphone: true, microphoneId: id });
    await this.stage
      ?.changeMicrophone(id, id !== null)
      .catch((cause: unknown) => this.complain(cause));
    this.look();
  }

  /** Microphone level, 0 to 1; asked once a frame by the meter. */
  level = (): number => (this.snap.muted ? 0 : (this.stage?.level() ?? 0));

  /** Recorded milliseconds now. */
  elapsed = (): number => elapsed(this.snap.state, performance.now());

  dismiss(text: string): void {
    this.update({ notices: this.snap.notices.filter((n) => n !== text) });
  }

  private async record(): Promise<void> {
    clearInterval(this.timer);
    const { stage } = this;
    if (!stage || this.starting) return;
    this.starting = true;
    try {
      const take = await this.beginning.take(stage);
      if (!take) return;
      // Sharing may have ended while the local copy was being opened, or the connection made.
      if (!this.send({ type: 'record', now: performance.now() })) return await take.discard();
      this.take = take;
      take.start();
      this.sleep = stayAwake();
    } catch (cause) {
      this.clear();
      this.send({
        type: 'denied',
        reason: cause instanceof Error ? cause.message : 'The browser’s recorder did not start.',
      });
    } finally {
      this.starting = false;
    }
  }

  private async sourceEnded(why?: string): Promise<void> {
    clearInterval(this.timer);
    const copying = this.copyLink();
    if (!this.send({ type: 'source-ended', now: performance.now() })) return;
    if (why) this.notice(why);
    if (this.snap.state.name === 'stopping') await this.finish(copying);
    else this.clear();
  }

  private async finish(copying: Promise<boolean>): Promise<void> {
    const { take, snap } = this;
    if (!take || snap.state.name !== 'stopping') return;
    await take.stop(snap.state.durationMs);
    this.closeStage();
    this.send({ type: 'written' });
    // A link that came too late for the click may still be allowed while the page has the focus.
    if (!(await copying)) void take.uplink.targeted.then(() => this.copyLink());
    await this.conclude(take);
  }

  private async conclude(take: Taking): Promise<void> {
    const whole = await take.confirmed();
    if (take !== this.take) return;
    if (whole) {
      await this.saveTitle(take);
      this.send({ type: 'confirmed' });
    } else {
      this.send({
        type: 'refused',
        reason: take.uplink.view.trouble?.message ?? 'Sending was ended.',
      });
    }
  }

  private async saveTitle(take: Taking): Promise<void> {
    const title = this.snap.title.trim();
    if (!title || title === take.createdTitle || !take.record.videoId) return;
    await videos.update(take.record.videoId, { title }).catch(() => undefined);
  }

  private stageEvents() {
    return {
      onEnded: () => void this.sourceEnded(),
      onNotice: (text: string) => this.notice(text),
      onChange: () => this.look(),
    };
  }

  private async refreshDevices(): Promise<void> {
    const devices = await listDevices().catch(() => null);
    if (devices) this.update({ devices });
  }

  private complain(cause: unknown): void {
    this.notice(cause instanceof StageError ? cause.message : 'That device could not be opened.');
  }

  private notice(text: string): void {
    if (!this.snap.notices.includes(text)) this.update({ notices: [...this.snap.notices, text] });
  }

  private closeStage(): void {
    this.sleep();
    this.sleep = () => undefined;
    this.stage?.close();
    this.stage = null;
    this.update({ preview: null, using: nothingUsed, muted: false });
  }

  private clear(): void {
    this.beginning.drop();
    this.closeStage();
    this.take = null;
    this.update({ live: false, uplink: null, savedMs: 0, bytes: 0, copied: null, title: '' });
  }

  /** Reads devices and take anew into the snapshot. */
  private look(): void {
    const { stage, take } = this;
    const stream = stage?.stream ?? null;
    const same = stream?.getVideoTracks()[0] === this.snap.preview?.getVideoTracks()[0];
    this.update({
      preview: same ? this.snap.preview : stream,
      using: stage?.using ?? nothingUsed,
      live: take !== null && !(take instanceof Take),
      uplink: take?.uplink.view ?? null,
      savedMs: take?.savedMs ?? 0,
      bytes: take?.bytes ?? 0,
    });
  }

  private send(event: Event): boolean {
    const state = reduce(this.snap.state, event);
    if (state === this.snap.state) return false;
    this.update({ state });
    return true;
  }

  private update(change: Partial<Snapshot>): void {
    this.snap = { ...this.snap, ...change };
    this.listeners.forEach((listener) => listener());
  }
}
