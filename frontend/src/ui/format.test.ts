import { describe, expect, it } from 'vitest';
import { ago, bytes, clock, count, initials, plural, spokenClock } from './format';

describe('clock', () => {
  it.each([
    [0, '0:00'],
    [5_400, '0:05'],
    [754_999, '12:34'],
    [3_723_000, '1:02:03'],
    [-4, '0:00'],
    [Number.NaN, '0:00'],
  ])('%d ms is %s', (ms, said) => expect(clock(ms)).toBe(said));
});

describe('spokenClock', () => {
  it('says only what is there', () => {
    expect(spokenClock(3_601_000)).toBe('1 hour 1 second');
    expect(spokenClock(0)).toBe('0 seconds');
  });
});

describe('ago', () => {
  const now = Date.parse('2026-06-15T12:00:00Z');
  const before = (ms: number) => new Date(now - ms).toISOString();
  it.each([
    [0, 'just now'],
    [59_999, 'just now'],
    [60_000, '1 minute ago'],
    [3_600_000 * 5, '5 hours ago'],
    [86_400_000, 'yesterday'],
    [86_400_000 * 3, '3 days ago'],
  ])('%d ms ago is %s', (ms, said) => expect(ago(before(ms), now)).toBe(said));

  it('is a date after a week, and nothing for nonsense', () => {
    expect(ago('2025-01-02T12:00:00Z', now)).toMatch(/2025/);
    expect(ago('soon', now)).toBe('');
  });
});

describe('bytes', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [3_400_000, '3.4 MB'],
    [999_600, '1.0 MB'],
    [1_200_000_000, '1.2 GB'],
  ])('%d is %s', (n, said) => expect(bytes(n)).toBe(said));
});

describe('count and plural', () => {
  it('shortens and agrees', () => {
    expect(count(999)).toBe('999');
    expect(count(13_320)).toBe('13.3k');
    expect(plural(1, 'view')).toBe('1 view');
    expect(plural(1200, 'view')).toBe('1,200 views');
  });
});

describe('initials', () => {
  it.each([
    ['Ada Lovelace', 'AL'],
    ['  grace  brewster hopper ', 'GH'],
    ['Ünal', 'Ü'],
    ['😀 Smile', '😀S'],
    ['', '?'],
  ])('of %j are %s', (name, said) => expect(initials(name)).toBe(said));
});
