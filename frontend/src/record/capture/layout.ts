/** Geometry of the composed picture: the screen fills it, the camera sits in a round bubble. Pure numbers. */

import type { Size } from '../format';

/** A rectangle in pixels. */
export interface Rect {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Where the bubble sits and how large it is. */
export interface Bubble {
  corner: 'top-left' | 'top-right' | 'bottom-left' | 'bottom-right';
  size: 'small' | 'medium' | 'large';
}

/** The bubble people get first: out of the way of most menus and captions. */
export const defaultBubble: Bubble = { corner: 'bottom-left', size: 'medium' };

const share = { small: 0.18, medium: 0.26, large: 0.38 };

const even = (n: number) => Math.max(2, 2 * Math.round(n / 2));

/** Fixed size of the composed picture for a screen of this size: at least 720 lines, at most `maxHeight`, even numbers. */
export function outputSize(screen: Size, maxHeight: number): Size {
  const width = screen.width || 1280;
  const height = screen.height || 720;
  const up = Math.max(1, Math.min(1280 / width, 720 / height));
  const down = Math.min(1, maxHeight / (height * up), (maxHeight * 16) / 9 / (width * up));
  return { width: even(width * up * down), height: even(height * up * down) };
}

/** The largest centred rectangle of the source's shape inside the target. */
export function contain(source: Size, target: Size): Rect {
  if (!source.width || !source.height) return { x: 0, y: 0, ...target };
  const scale = Math.min(target.width / source.width, target.height / source.height);
  const width = Math.round(source.width * scale);
  const height = Math.round(source.height * scale);
  return { x: (target.width - width) >> 1, y: (target.height - height) >> 1, width, height };
}

/** The square in the middle of the camera picture, in the camera's own pixels. */
export function centreSquare(camera: Size): Rect {
  const side = Math.min(camera.width, camera.height);
  return { x: (camera.width - side) / 2, y: (camera.height - side) / 2, width: side, height: side };
}

/** The square around the bubble in the composed picture. */
export function bubbleRect(target: Size, bubble: Bubble): Rect {
  const side = even(Math.min(target.width, target.height) * share[bubble.size]);
  const margin = Math.round(Math.min(target.width, target.height) * 0.035);
  const left = bubble.corner.endsWith('left');
  const top = bubble.corner.startsWith('top');
  return {
    x: left ? margin : target.width - side - margin,
    y: top ? margin : target.height - side - margin,
    width: side,
    height: side,
  };
}
