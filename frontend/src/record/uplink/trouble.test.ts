import { describe, expect, it } from 'vitest';
import { savedMs } from './marks';
import { backoff, fromStatus, isFinal, problemDetail } from './trouble';

describe('fromStatus', () => {
  it.each([
    [0, 'offline', false],
    [401, 'signed-out', false],
    [404, 'gone', true],
    [410, 'gone', true],
    [409, 'busy', false],
    [423, 'busy', false],
    [429, 'busy', false],
    [500, 'busy', false],
    [503, 'busy', false],
    [507, 'full', false],
    [413, 'refused', true],
    [400, 'refused', true],
    [403, 'refused', true],
  ])('%i is %s', (status, kind, final) => {
    const trouble = fromStatus(status);
    expect(trouble.kind).toBe(kind);
    expect(isFinal(trouble)).toBe(final);
    expect(trouble.message).toMatch(/(Your browser still holds|safe)/);
  });

  it('passes on what the server said', () => {
    expect(fromStatus(413, 'At most 2 GB.').message).toContain('At most 2 GB.');
    expect(problemDetail('{"detail":"At most 2 GB."}')).toBe('At most 2 GB.');
    expect(problemDetail('<html>')).toBeNull();
  });
});

it('backs off up to eight seconds, give or take a quarter', () => {
  expect(backoff(0, 0.5)).toBe(500);
  expect(backoff(3, 0.5)).toBe(4000);
  expect(backoff(1000, 1)).toBe(10_000);
  expect(backoff(1000, 0)).toBe(6000);
});

it('promises only what is whole on the server', () => {
  const marks = [
    { end: 100, ms: 2000 },
    { end: 250, ms: 4000 },
    { end: 400, ms: 6000 },
  ];
  expect([0, 99, 100, 249, 250, 399, 400, 9999].map((n) => savedMs(marks, n))).toEqual([
    0, 0, 2000, 2000, 4000, 4000, 6000, 6000,
  ]);
  expect(savedMs([], 10)).toBe(0);
});
