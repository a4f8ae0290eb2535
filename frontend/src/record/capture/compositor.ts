/** Makes one video track of screen and camera, by the fastest way this browser has. */
import type { Size } from '../format';
import type { Scene } from './compositor-protocol';
import type { Bubble } from './layout';
import { paint, type Picture } from './painter';

/** A running composition; `track` is what to record. */
export interface Compositor {
  readonly track: MediaStreamTrack;
  /** Another camera, or none, also in mid-take. */
  setCamera(track: MediaStreamTrack | null): void;
  setBubble(bubble: Bubble): void;
  close(): void;
}

/** What to compose. Without a screen the camera's pixels pass unchanged and may come from another camera later. */
export interface Ingredients {
  screen: MediaStreamTrack | null;
  camera: MediaStreamTrack | null;
  size: Size | null;
  bubble: Bubble;
}

interface Insertable {
  MediaStreamTrackProcessor?: new (init: { track: MediaStreamTrack }) => {
    readable: ReadableStream<VideoFrame>;
  };
  MediaStreamTrackGenerator?: new (init: {
    kind: 'video';
  }) => MediaStreamTrack & { writable: WritableStream<VideoFrame> };
}

const insertable = () => globalThis as unknown as Insertable;

/** Whether frames can be taken from and put into tracks directly (Chromium). */
export function hasInsertable(): boolean {
  return Boolean(insertable().MediaStreamTrackProcessor && insertable().MediaStreamTrackGenerator);
}

/** Starts composing. */
export function compose(parts: Ingredients): Compositor {
  return hasInsertable() ? new WorkerCompositor(parts) : new CanvasCompositor(parts);
}

/** MediaStreamTrackProcessor → worker with OffscreenCanvas → MediaStreamTrackGenerator. */
class WorkerCompositor implements Compositor {
  readonly track: MediaStreamTrack;
  private readonly worker: Worker;

  constructor(parts: Ingredients) {
    this.worker = new Worker(new URL('./compositor.worker.ts', import.meta.url), {
      type: 'module',
    });
    const generator = new (insertable().MediaStreamTrackGenerator!)({ kind: 'video' });
    this.track = generator;
    const { writable } = generator;
    this.say(
      { op: 'start', writable, size: parts.screen ? parts.size : null, bubble: parts.bubble },
      [writable],
    );
    if (parts.screen) {
      const readable = frames(parts.screen);
      this.say({ op: 'screen', readable }, [readable]);
    }
    this.setCamera(parts.camera);
  }

  setCamera(track: MediaStreamTrack | null): void {
    const readable = track && frames(track);
    this.say({ op: 'camera', readable }, readable ? [readable] : []);
  }

  setBubble(bubble: Bubble): void {
    this.say({ op: 'bubble', bubble });
  }

  close(): void {
    this.say({ op: 'stop' });
    this.track.stop();
  }

  private say(scene: Scene, transfer: Transferable[] = []): void {
    this.worker.postMessage(scene, transfer);
  }
}

function frames(track: MediaStreamTrack): ReadableStream<VideoFrame> {
  return new (insertable().MediaStreamTrackProcessor!)({ track }).readable;
}

/** Worker timer → canvas element → captureStream, for Firefox and Safari. */
class CanvasCompositor implements Compositor {
  readonly track: MediaStreamTrack;
  private readonly canvas = document.createElement('canvas');
  private readonly ticker: Worker;
  private readonly screen: HTMLVideoElement | null;
  private camera: HTMLVideoElement | null;
  private bubble: Bubble;

  constructor(parts: Ingredients) {
    this.canvas.width = parts.size?.width ?? 1280;
    this.canvas.height = parts.size?.height ?? 720;
    this.bubble = parts.bubble;
    this.screen = parts.screen && watch(parts.screen);
    this.camera = parts.camera && watch(parts.camera);
    // The canvas must have a context before it can be captured.
    this.draw();
    const track = this.canvas.captureStream(30).getVideoTracks()[0];
    if (!track) throw new DOMException('The canvas gave no video.', 'NotSupportedError');
    this.track = track;
    this.ticker = new Worker(new URL('./ticker.worker.ts', import.meta.url), { type: 'module' });
    this.ticker.onmessage = () => this.draw();
  }

  setCamera(track: MediaStreamTrack | null): void {
    if (this.camera) this.camera.srcObject = null;
    this.camera = track && watch(track);
  }

  setBubble(bubble: Bubble): void {
    this.bubble = bubble;
  }

  close(): void {
    this.ticker.terminate();
    this.track.stop();
    if (this.screen) this.screen.srcObject = null;
    if (this.camera) this.camera.srcObject = null;
  }

  private draw(): void {
    const context = this.canvas.getContext('2d', { alpha: false });
    if (context) paint(context, this.canvas, still(this.screen), still(this.camera), this.bubble);
  }
}

function watch(track: MediaStreamTrack): HTMLVideoElement {
  const video = document.createElement('video');
  video.muted = true;
  video.playsInline = true;
  video.srcObject = new MediaStream([track]);
  void video.play().catch(() => undefined);
  return video;
}

function still(video: HTMLVideoElement | null): Picture | null {
  if (!video || video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return null;
  return { image: video, size: { width: video.videoWidth, height: video.videoHeight } };
}
