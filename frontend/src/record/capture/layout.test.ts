import { describe, expect, it } from 'vitest';
import { bubbleRect, centreSquare, contain, outputSize } from './layout';

describe('outputSize', () => {
  it.each([
    [{ width: 1920, height: 1080 }, 1080, { width: 1920, height: 1080 }],
    [{ width: 2560, height: 1600 }, 1080, { width: 1728, height: 1080 }],
    [{ width: 640, height: 360 }, 1080, { width: 1280, height: 720 }],
    [{ width: 3440, height: 1440 }, 1080, { width: 1920, height: 804 }],
    [{ width: 0, height: 0 }, 1080, { width: 1280, height: 720 }],
  ])('%j at most %i lines', (screen, max, expected) => {
    expect(outputSize(screen, max)).toEqual(expected);
  });

  it('is always even', () => {
    const size = outputSize({ width: 1367, height: 769 }, 1080);
    expect(size.width % 2).toBe(0);
    expect(size.height % 2).toBe(0);
  });
});

it('fits a picture of another shape into the middle', () => {
  expect(contain({ width: 800, height: 800 }, { width: 1600, height: 800 })).toEqual({
    x: 400,
    y: 0,
    width: 800,
    height: 800,
  });
  expect(contain({ width: 0, height: 0 }, { width: 10, height: 10 })).toEqual({
    x: 0,
    y: 0,
    width: 10,
    height: 10,
  });
});

it('takes the middle of the camera', () => {
  expect(centreSquare({ width: 1280, height: 720 })).toEqual({
    x: 280,
    y: 0,
    width: 720,
    height: 720,
  });
});

it.each(['top-left', 'top-right', 'bottom-left', 'bottom-right'] as const)(
  'keeps the bubble inside: %s',
  (corner) => {
    const target = { width: 1280, height: 720 };
    const rect = bubbleRect(target, { corner, size: 'large' });
    expect(rect.x).toBeGreaterThan(0);
    expect(rect.y).toBeGreaterThan(0);
    expect(rect.x + rect.width).toBeLessThan(target.width);
    expect(rect.y + rect.height).toBeLessThan(target.height);
  },
);
