import { expect, test } from 'vitest';
import { lines, since, span } from './format';

test('times are coarse and have their unit', () => {
  expect([0, 4.25, 45.4, 200, 7200, 400_000, -1, NaN].map(span)).toEqual([
    '0 s',
    '4.3 s',
    '45 s',
    '3 min',
    '2 h',
    '5 d',
    '0 s',
    '0 s',
  ]);
  expect(since('2026-11-22T10:00:00Z', '2026-11-22T10:02:00Z')).toBe('2 min');
});

test('the states of a queue and priority are one line', () => {
  const lane = (
    queue: string,
    priority: number,
    state: string,
    jobs: number,
    at: string | null,
  ) => ({
    queue,
    priority,
    state,
    jobs,
    oldest_at: at,
  });
  expect(
    lines([
      lane('media', 2, 'running', 3, '2026-11-22T10:00:00Z'),
      lane('media', 2, 'available', 5, '2026-11-22T09:00:00Z'),
      lane('media', 2, 'retryable', 1, null),
      lane('mail', 1, 'scheduled', 2, null),
    ]),
  ).toEqual([
    { queue: 'mail', priority: 1, waits: 0, runs: 0, later: 2, oldest: null },
    { queue: 'media', priority: 2, waits: 5, runs: 3, later: 1, oldest: '2026-11-22T09:00:00Z' },
  ]);
});
