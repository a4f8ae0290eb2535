import { describe, expect, it } from 'vitest';
import { linkAt, parseTime, startFromUrl } from './time';

describe('parseTime', () => {
  it.each([
    ['83', 83],
    ['83.5', 83.5],
    ['83s', 83],
    ['1m23s', 83],
    ['1m', 60],
    ['2h', 7200],
    ['1h2m3s', 3723],
    ['1:23', 83],
    ['01:02:03', 3723],
    ['', null],
    ['-5', null],
    ['s', null],
    ['abc', null],
    ['1:99', null],
    ['1e3', null],
    ['9'.repeat(40), null],
  ])('%s → %s', (text, seconds) => expect(parseTime(text)).toBe(seconds));
});

describe('links', () => {
  it('reads the second a link asks for', () => {
    expect(startFromUrl(new URL('https://x.test/v/a?t=1m23s'))).toBe(83);
    expect(startFromUrl(new URL('https://x.test/v/a#t=5'))).toBe(5);
    expect(startFromUrl(new URL('https://x.test/v/a#c-77'))).toBeNull();
    expect(startFromUrl(new URL('https://x.test/v/a?t=javascript:1'))).toBeNull();
  });
  it('writes it', () => {
    expect(linkAt('https://x.test/v/a?t=9', 83.7)).toBe('https://x.test/v/a?t=83');
  });
});
