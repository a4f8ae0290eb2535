/// <reference lib="webworker" />
/**
 * Composes or relays video frames off the page's thread: the only way that keeps its rate in a hidden tab
 * (Chromium 156: 28 frames a second here, 0 by canvas and requestAnimationFrame).
 */
import type { Scene } from './compositor-protocol';
import { defaultBubble, type Bubble } from './layout';
import { paint, type Picture } from './painter';

const frameMs = 1000 / 30;
// A picture at least this often: with no new frame at all the MP4 muxer would close no fragment until Stop.
const quietMs = 500;

let canvas: OffscreenCanvas | null = null;
let context: OffscreenCanvasRenderingContext2D | null = null;
let writer: WritableStreamDefaultWriter<VideoFrame> | null = null;
let bubble: Bubble = defaultBubble;
let screen: VideoFrame | null = null;
let camera: VideoFrame | null = null;
let cameraReader: ReadableStreamDefaultReader<VideoFrame> | null = null;
let fresh = false;
let lastMs = 0;
let timer: ReturnType<typeof setTimeout> | undefined;
let stopped = false;

function picture(frame: VideoFrame | null): Picture | null {
  return (
    frame && { image: frame, size: { width: frame.displayWidth, height: frame.displayHeight } }
  );
}

/** The next frame to send: composed when there is a canvas, else the camera's own pixels. */
function nextFrame(now: number): VideoFrame | null {
  const timestamp = Math.round(now * 1000);
  if (canvas && context) {
    paint(context, canvas, picture(screen), picture(camera), bubble);
    return new VideoFrame(canvas, { timestamp });
  }
  if (!camera) return null;
  if (!fresh) return repeat(camera, timestamp);
  fresh = false;
  return camera.clone();
}

/**
 * The same pixels at a later time. A mere clone keeps the hidden capture time of the original, by which Chromium's
 * recorder goes: it would drop every one of them and the muxer would never close its fragment.
 */
function repeat(frame: VideoFrame, timestamp: number): VideoFrame {
  const copy = new OffscreenCanvas(frame.displayWidth, frame.displayHeight);
  copy.getContext('2d', { alpha: false })?.drawImage(frame, 0, 0);
  return new VideoFrame(copy, { timestamp });
}

function emit(): void {
  clearTimeout(timer);
  if (stopped || !writer) return;
  timer = setTimeout(emit, quietMs);
  lastMs = performance.now();
  if ((writer.desiredSize ?? 1) <= 0) return;
  const frame = nextFrame(lastMs);
  if (!frame) return;
  writer.write(frame).catch(() => frame.close());
}

/** At most 30 frames a second however many sources wake us. */
function wake(): void {
  const wait = lastMs + frameMs - 2 - performance.now();
  if (wait <= 0) return emit();
  clearTimeout(timer);
  timer = setTimeout(emit, wait);
}

async function follow(
  reader: ReadableStreamDefaultReader<VideoFrame>,
  keep: (frame: VideoFrame) => void,
) {
  for (;;) {
    const { value, done } = await reader.read();
    if (done || stopped) {
      value?.close();
      return;
    }
    keep(value);
    wake();
  }
}

function followScreen(readable: ReadableStream<VideoFrame>): void {
  void follow(readable.getReader(), (frame) => {
    screen?.close();
    screen = frame;
  }).catch(() => undefined);
}

function followCamera(readable: ReadableStream<VideoFrame> | null): void {
  void cameraReader?.cancel().catch(() => undefined);
  cameraReader = readable?.getReader() ?? null;
  const mine = cameraReader;
  const gone = () => {
    // Composed: the bubble goes. Relayed: the last picture stays, or there would be no video at all.
    if (mine !== cameraReader || !canvas) return;
    camera?.close();
    camera = null;
    wake();
  };
  if (!mine) return gone();
  void follow(mine, (frame) => {
    if (mine !== cameraReader) return frame.close();
    camera?.close();
    camera = frame;
    fresh = true;
  }).then(gone, gone);
}

function start(scene: Scene & { op: 'start' }): void {
  bubble = scene.bubble;
  writer = scene.writable.getWriter();
  if (scene.size) {
    canvas = new OffscreenCanvas(scene.size.width, scene.size.height);
    context = canvas.getContext('2d', { alpha: false });
  }
  emit();
}

function stop(): void {
  stopped = true;
  clearTimeout(timer);
  void cameraReader?.cancel().catch(() => undefined);
  void writer?.close().catch(() => undefined);
  screen?.close();
  camera?.close();
  self.close();
}

self.onmessage = ({ data }: MessageEvent<Scene>) => {
  switch (data.op) {
    case 'start':
      return start(data);
    case 'screen':
      return followScreen(data.readable);
    case 'camera':
      return followCamera(data.readable);
    case 'bubble':
      bubble = data.bubble;
      return wake();
    case 'stop':
      return stop();
  }
};
