/**
 * Everything that is live before and during a take: devices, the composed picture, the mixed sound. Devices may be
 * changed, unplugged and replaced in mid-take; the tracks handed to MediaRecorder stay the same (adding one kills it).
 */
import type { Size } from '../format';
import type { Mode } from '../machine';
import type { Settings } from '../settings';
import { compose, hasInsertable, type Compositor } from './compositor';
import { deviceTrouble, openCamera, openMicrophone, openScreen } from './devices';
import { outputSize, type Bubble } from './layout';
import { Mixer } from './mixer';

/** What a stage tells its owner. */
export interface StageEvents {
  /** Sharing was ended by the browser's own button or the shared window's end. */
  onEnded: () => void;
  /** Something to tell the person; the take goes on. */
  onNotice: (text: string) => void;
  /** Tracks came or went: the preview should be looked at again. */
  onChange: () => void;
}

/** A refusal with a sentence for the person. */
export class StageError extends Error {}

/** One set of open devices. */
export class Stage {
  readonly mode: Mode;
  private readonly events: StageEvents;
  private readonly mixer = new Mixer();
  private screen: MediaStreamTrack | null = null;
  private system: MediaStreamTrack | null = null;
  private camera: MediaStreamTrack | null = null;
  private microphone: MediaStreamTrack | null = null;
  private compositor: Compositor | null = null;
  private video: MediaStreamTrack | null = null;
  /** The mix, or, where no mixing is possible, the one source that matters most. */
  private audio: MediaStreamTrack | null = null;
  private closed = false;

  private constructor(mode: Mode, events: StageEvents) {
    this.mode = mode;
    this.events = events;
  }

  /** Asks for everything the mode needs. Rejects with a StageError whose message can be shown. */
  static async open(mode: Mode, settings: Settings, events: StageEvents): Promise<Stage> {
    const stage = new Stage(mode, events);
    try {
      // The screen first: its dialog needs the click that brought us here.
      if (mode !== 'camera') await stage.shareScreen(settings.maxHeight);
      if (mode === 'camera') await stage.changeCamera(settings.cameraId);
      if (mode === 'screen-camera')
        await stage.without(() => stage.changeCamera(settings.cameraId));
      if (settings.microphone) {
        await stage.without(() => stage.changeMicrophone(settings.microphoneId));
      }
      stage.build(settings);
      stage.audio = (await stage.mixer.runs())
        ? stage.mixer.track
        : (stage.microphone ?? stage.system);
      return stage;
    } catch (cause) {
      stage.close();
      throw cause;
    }
  }

  /** What to record: one video track and one audio track, for the whole take. */
  get stream(): MediaStream {
    return new MediaStream([this.video, this.audio].filter((track) => track !== null));
  }

  /** Size of the recorded picture as far as it is known now. */
  get size(): Size {
    const { width, height } = this.video?.getSettings() ?? {};
    if (width && height) return { width, height };
    const source = (this.screen ?? this.camera)?.getSettings();
    return { width: source?.width ?? 1280, height: source?.height ?? 720 };
  }

  /** Ids of the devices in use. */
  get using(): { cameraId: string | null; microphoneId: string | null; systemSound: boolean } {
    return {
      cameraId: this.camera?.getSettings().deviceId ?? null,
      microphoneId: this.microphone?.getSettings().deviceId ?? null,
      systemSound: Boolean(this.system),
    };
  }

  /** Microphone level, 0 to 1. */
  level(): number {
    return this.microphone ? this.mixer.level() : 0;
  }

  setMuted(muted: boolean): void {
    this.mixer.setMuted(muted);
    if (this.microphone) this.microphone.enabled = !muted;
  }

  setBubble(bubble: Bubble): void {
    this.compositor?.setBubble(bubble);
  }

  /** Another microphone; null for none. */
  async changeMicrophone(id: string | null, use = true): Promise<void> {
    const track = use ? await attempt('microphone', () => openMicrophone(id)) : null;
    if (this.closed) return track?.stop();
    this.microphone?.stop();
    this.microphone = track;
    this.mixer.setMicrophone(track);
    if (this.audio && this.audio !== this.mixer.track) this.audio = track ?? this.system;
    track?.addEventListener('ended', () => this.lostMicrophone(track));
    this.events.onChange();
  }

  /** Another camera. Where frames cannot be relayed (Firefox, Safari, camera only) this is for before the take. */
  async changeCamera(id: string | null): Promise<void> {
    const track = await attempt('camera', () => openCamera(id));
    if (this.closed) return track.stop();
    this.camera?.stop();
    this.camera = track;
    track.addEventListener('ended', () => this.lostCamera(track));
    if (this.compositor) this.compositor.setCamera(track);
    else if (this.video && this.mode === 'camera') this.video = track;
    this.events.onChange();
  }

  /** Releases every device. */
  close(): void {
    this.closed = true;
    for (const track of [this.screen, this.system, this.camera, this.microphone]) track?.stop();
    this.compositor?.close();
    this.mixer.close();
  }

  /** A take can do without this device: its refusal is told, and another one may be chosen. */
  private async without(open: () => Promise<void>): Promise<void> {
    try {
      await open();
    } catch (cause) {
      if (!(cause instanceof StageError)) throw cause;
      this.events.onNotice(`${cause.message} You can record without it.`);
    }
  }

  private async shareScreen(maxHeight: number): Promise<void> {
    const { video, audio } = await attempt('screen', () => openScreen(maxHeight));
    this.screen = video;
    this.system = audio;
    this.mixer.setSystem(audio);
    video.addEventListener('ended', () => !this.closed && this.events.onEnded());
  }

  private build(settings: Settings): void {
    const composed = this.mode === 'screen-camera' || (this.mode === 'camera' && hasInsertable());
    if (!composed) {
      this.video = this.screen ?? this.camera;
      return;
    }
    const shared = this.screen?.getSettings();
    const size = this.screen
      ? outputSize({ width: shared?.width ?? 0, height: shared?.height ?? 0 }, settings.maxHeight)
      : null;
    this.compositor = compose({
      screen: this.screen,
      camera: this.camera,
      size,
      bubble: settings.bubble,
    });
    this.video = this.compositor.track;
    if (this.screen) this.video.contentHint = 'detail';
  }

  private lostCamera(track: MediaStreamTrack): void {
    if (this.closed || track !== this.camera) return;
    this.camera = null;
    this.compositor?.setCamera(null);
    this.events.onNotice(
      'The camera was unplugged. The recording goes on without it; plug it in to have it back.',
    );
    this.events.onChange();
  }

  private lostMicrophone(track: MediaStreamTrack): void {
    if (this.closed || track !== this.microphone) return;
    this.microphone = null;
    this.mixer.setMicrophone(null);
    this.events.onNotice(
      'The microphone was unplugged. The recording goes on; choose another one to be heard.',
    );
    this.events.onChange();
  }
}

async function attempt<T>(
  what: 'screen' | 'camera' | 'microphone',
  open: () => Promise<T>,
): Promise<T> {
  try {
    return await open();
  } catch (cause) {
    throw new StageError(deviceTrouble(cause, what), { cause });
  }
}
