import { describe, expect, it } from 'vitest';
import { Meter } from './meter';

function watch(meter: Meter, from: number, to: number) {
  meter.tick(from, 1, false);
  for (let t = from + 0.25; t <= to; t += 0.25) meter.tick(t, 1, false);
}

describe('Meter', () => {
  it('counts a view after three seconds, once', () => {
    const meter = new Meter();
    watch(meter, 0, 2.5);
    expect(meter.report(2.5, false)).toBeNull();
    watch(meter, 2.5, 3.5);
    expect(meter.report(3.5, false)).toEqual({ position_ms: 3500, watched_ms: 3500, first: true });
    expect(meter.report(3.5, false)).toBeNull();
  });
  it('does not take seeking for watching', () => {
    const meter = new Meter();
    meter.tick(0, 1, false);
    meter.tick(300, 1, false);
    meter.tick(10, 1, false);
    expect(meter.report(10, true)).toBeNull();
  });
  it('tells rarely, and once more on leaving', () => {
    const meter = new Meter();
    watch(meter, 0, 4);
    meter.report(4, false);
    watch(meter, 4, 20);
    expect(meter.report(20, false)).toBeNull();
    expect(meter.report(20, true)).toEqual({ position_ms: 20_000, watched_ms: 20_000 });
    expect(meter.report(20, true)).toBeNull();
  });
});
