import { describe, expect, it } from 'vitest';
import { layoutMarkers, markerNear, type Remark } from './markers';

const remark = (id: string, at_ms: number): Remark => ({ id, at_ms, author: 'A', body: 'b' });

describe('layoutMarkers', () => {
  it('places marks along the bar, in order', () => {
    const marks = layoutMarkers([remark('b', 50_000), remark('a', 10_000)], 100, 1000);
    expect(marks.map((m) => [m.at, m.remarks[0]!.id])).toEqual([
      [0.1, 'a'],
      [0.5, 'b'],
    ]);
  });
  it('joins marks too close to tell apart, and measures from the first of a group', () => {
    const marks = layoutMarkers([remark('a', 0), remark('b', 800), remark('c', 1600)], 100, 1000);
    expect(marks.map((m) => m.remarks.map((r) => r.id))).toEqual([['a', 'b'], ['c']]);
  });
  it('keeps marks inside the bar', () => {
    expect(layoutMarkers([remark('a', 500_000)], 100, 1000)[0]!.at).toBe(1);
  });
  it('bounds the number of marks for thousands of comments', () => {
    const many = Array.from({ length: 5000 }, (_, i) => remark(String(i), i * 1000));
    const marks = layoutMarkers(many, 5000, 900);
    expect(marks.length).toBeLessThanOrEqual(91);
    expect(marks.flatMap((m) => m.remarks)).toHaveLength(5000);
  });
  it('waits for a duration', () => {
    expect(layoutMarkers([remark('a', 1)], NaN, 1000)).toEqual([]);
    expect(layoutMarkers([remark('a', 1)], 10, 0)).toEqual([]);
  });
});

describe('markerNear', () => {
  it('finds the nearest within reach', () => {
    const marks = layoutMarkers([remark('a', 10_000), remark('b', 12_000)], 100, 1000);
    expect(markerNear(marks, 0.117, 1000)?.remarks[0]!.id).toBe('b');
    expect(markerNear(marks, 0.5, 1000)).toBeNull();
  });
});
