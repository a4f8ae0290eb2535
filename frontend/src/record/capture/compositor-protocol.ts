/** What the page and the compositor worker say to each other. */
import type { Size } from '../format';
import type { Bubble } from './layout';

/** To the worker. `screen: false` means the camera fills the picture as it is (relay). */
export type Scene =
  | { op: 'start'; writable: WritableStream<VideoFrame>; size: Size | null; bubble: Bubble }
  | { op: 'screen'; readable: ReadableStream<VideoFrame> }
  | { op: 'camera'; readable: ReadableStream<VideoFrame> | null }
  | { op: 'bubble'; bubble: Bubble }
  | { op: 'stop' };
