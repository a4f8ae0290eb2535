import { describe, expect, it } from 'vitest';
import { parseStoryboard, tileAt } from './storyboard';

const VTT = `WEBVTT

00:00:00.000 --> 00:00:05.000
/media/g/v/storyboard.jpg#xywh=0,0,160,90

2
00:00:05.000 --> 00:01:00.000
storyboard.jpg#xywh=160,0,160,90

00:01:00.000 --> 00:01:05.000
not a tile
`;

describe('storyboard', () => {
  const tiles = parseStoryboard(VTT, 'https://x.test/media/g/v/storyboard.vtt');
  it('reads tiles with absolute addresses', () => {
    expect(tiles).toHaveLength(2);
    expect(tiles[1]).toEqual({
      start: 5,
      end: 60,
      x: 160,
      y: 0,
      width: 160,
      height: 90,
      url: 'https://x.test/media/g/v/storyboard.jpg',
    });
  });
  it('finds the tile for a second', () => {
    expect(tileAt(tiles, 0)?.x).toBe(0);
    expect(tileAt(tiles, 4.99)?.x).toBe(0);
    expect(tileAt(tiles, 5)?.x).toBe(160);
    expect(tileAt(tiles, 900)?.x).toBe(160);
    expect(tileAt([], 3)).toBeNull();
  });
});
