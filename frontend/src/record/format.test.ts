import { describe, expect, it } from 'vitest';
import { candidates, extension, parseChoice, pickType, videoBits } from './format';

const hd = { width: 1920, height: 1080 };

describe('pickType', () => {
  it('asks in the order that was tried: avc3 with AAC, avc3 with Opus, avc1, VP9, VP8', () => {
    expect(candidates('auto', hd)).toEqual([
      'video/mp4;codecs=avc3.640028,mp4a.40.2',
      'video/mp4;codecs=avc3.640028,opus',
      'video/mp4;codecs=avc1.640028,mp4a.40.2',
      'video/webm;codecs=vp9,opus',
      'video/webm;codecs=vp8,opus',
      'video/webm',
    ]);
  });

  it('takes WebM first when told to, and still finds something where there is none', () => {
    const only = (part: string) => (type: string) => type.includes(part);
    expect(pickType('webm', hd, () => true)).toBe('video/webm;codecs=vp9,opus');
    expect(pickType('vp8', hd, () => true)).toBe('video/webm;codecs=vp8,opus');
    expect(pickType('webm', hd, only('avc1'))).toContain('avc1');
    expect(pickType('auto', hd, only('vp8'))).toBe('video/webm;codecs=vp8,opus');
    expect(pickType('auto', hd, () => false)).toBeNull();
  });

  it('raises the level with the picture', () => {
    expect(candidates('auto', { width: 2560, height: 1440 })[0]).toContain('640032');
    expect(candidates('auto', { width: 3840, height: 2160 })[0]).toContain('640033');
  });
});

it('spends bits by the pixel, within bounds, and less on VP9', () => {
  expect(videoBits({ width: 320, height: 240 }, 'video/mp4')).toBe(2e6);
  expect(videoBits(hd, 'video/mp4')).toBeGreaterThan(3.5e6);
  expect(videoBits(hd, 'video/webm;codecs=vp9')).toBeLessThan(videoBits(hd, 'video/mp4'));
  expect(videoBits({ width: 7680, height: 4320 }, 'video/mp4')).toBe(14e6);
});

it('names files and reads wishes', () => {
  expect(extension('video/mp4;codecs=avc3.640028,opus')).toBe('mp4');
  expect(extension('video/webm;codecs=vp9')).toBe('webm');
  expect(parseChoice('webm')).toBe('webm');
  expect(parseChoice('video/webm;codecs=vp8')).toBe('vp8');
  expect(parseChoice('video/mp4')).toBe('mp4');
  expect(parseChoice('gif')).toBeNull();
  expect(parseChoice(null)).toBeNull();
});
