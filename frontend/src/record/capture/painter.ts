/** Paints one composed picture; shared by the worker (OffscreenCanvas) and the fallback (canvas element). */
import type { Size } from '../format';
import { bubbleRect, centreSquare, contain, type Bubble } from './layout';

/** A picture source with its size in pixels. */
export interface Picture {
  image: CanvasImageSource;
  size: Size;
}

/** Screen fitted into the picture, camera in a round bubble with a thin ring. */
export function paint(
  context: CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D,
  target: Size,
  screen: Picture | null,
  camera: Picture | null,
  bubble: Bubble,
): void {
  context.fillStyle = '#0b0d12';
  context.fillRect(0, 0, target.width, target.height);
  if (screen) {
    const to = contain(screen.size, target);
    context.drawImage(screen.image, to.x, to.y, to.width, to.height);
  }
  if (camera && camera.size.width > 0) paintBubble(context, target, camera, bubble);
}

function paintBubble(
  context: CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D,
  target: Size,
  camera: Picture,
  bubble: Bubble,
): void {
  const to = bubbleRect(target, bubble);
  const from = centreSquare(camera.size);
  const radius = to.width / 2;
  context.save();
  context.beginPath();
  context.arc(to.x + radius, to.y + radius, radius, 0, 2 * Math.PI);
  context.clip();
  context.drawImage(
    camera.image,
    from.x,
    from.y,
    from.width,
    from.height,
    to.x,
    to.y,
    to.width,
    to.height,
  );
  context.restore();
  context.beginPath();
  context.arc(to.x + radius, to.y + radius, radius, 0, 2 * Math.PI);
  context.lineWidth = Math.max(2, to.width / 90);
  context.strokeStyle = 'rgba(255,255,255,0.85)';
  context.stroke();
}
