import { describe, expect, it } from 'vitest';
import { elapsed, initial, isBusy, isLive, reduce, type Event, type State } from './machine';

const states: Record<State['name'], State> = {
  idle: initial,
  choosing: { name: 'choosing', mode: 'screen' },
  ready: { name: 'ready', mode: 'screen' },
  countdown: { name: 'countdown', mode: 'screen', left: 3 },
  recording: { name: 'recording', mode: 'screen', since: 1000, before: 500 },
  paused: { name: 'paused', mode: 'screen', before: 700 },
  stopping: { name: 'stopping', mode: 'screen', durationMs: 900 },
  finishing: { name: 'finishing', durationMs: 900 },
  done: { name: 'done', durationMs: 900 },
  failed: { name: 'failed', durationMs: 900, reason: 'no' },
};

const events: Record<Event['type'], Event> = {
  choose: { type: 'choose', mode: 'camera' },
  granted: { type: 'granted' },
  denied: { type: 'denied', reason: 'because' },
  back: { type: 'back' },
  count: { type: 'count', from: 3 },
  tick: { type: 'tick' },
  record: { type: 'record', now: 2000 },
  pause: { type: 'pause', now: 2000 },
  resume: { type: 'resume', now: 2000 },
  stop: { type: 'stop', now: 2000 },
  'source-ended': { type: 'source-ended', now: 2000 },
  written: { type: 'written' },
  confirmed: { type: 'confirmed' },
  refused: { type: 'refused', reason: 'full' },
  retry: { type: 'retry' },
  cancel: { type: 'cancel' },
};

// Every transition there is; whatever is not here must leave the state as it was.
const table: Partial<Record<State['name'], Partial<Record<Event['type'], State>>>> = {
  idle: { choose: { name: 'choosing', mode: 'camera' } },
  choosing: {
    granted: states.ready,
    denied: { name: 'idle', notice: 'because' },
    back: initial,
  },
  ready: {
    count: states.countdown,
    record: { name: 'recording', mode: 'screen', since: 2000, before: 0 },
    denied: { name: 'idle', notice: 'because' },
    'source-ended': { name: 'idle', notice: 'Sharing ended before the recording began.' },
    back: initial,
  },
  countdown: {
    tick: { name: 'countdown', mode: 'screen', left: 2 },
    record: { name: 'recording', mode: 'screen', since: 2000, before: 0 },
    denied: { name: 'idle', notice: 'because' },
    'source-ended': { name: 'idle', notice: 'Sharing ended before the recording began.' },
    cancel: states.ready,
    back: states.ready,
  },
  recording: {
    pause: { name: 'paused', mode: 'screen', before: 1500 },
    stop: { name: 'stopping', mode: 'screen', durationMs: 1500 },
    'source-ended': { name: 'stopping', mode: 'screen', durationMs: 1500 },
    cancel: initial,
  },
  paused: {
    resume: { name: 'recording', mode: 'screen', since: 2000, before: 700 },
    stop: { name: 'stopping', mode: 'screen', durationMs: 700 },
    'source-ended': { name: 'stopping', mode: 'screen', durationMs: 700 },
    cancel: initial,
  },
  stopping: {
    written: states.finishing,
    refused: { name: 'failed', durationMs: 900, reason: 'full' },
  },
  finishing: {
    confirmed: states.done,
    refused: { name: 'failed', durationMs: 900, reason: 'full' },
  },
  failed: { retry: states.finishing, back: initial },
  done: { back: initial },
};

describe('reduce', () => {
  const pairs = Object.values(states).flatMap((s) =>
    Object.values(events).map((e) => [s, e] as const),
  );
  it.each(pairs.map(([s, e]) => ({ from: s.name, on: e.type })))('$from on $on', ({ from, on }) => {
    const before = states[from];
    const after = reduce(before, events[on]);
    const expected = table[from]?.[on];
    if (expected) expect(after).toEqual(expected);
    else expect(after).toBe(before);
  });

  it('counts down to zero and no further', () => {
    let state: State = { name: 'countdown', mode: 'camera', left: 1 };
    state = reduce(reduce(state, { type: 'tick' }), { type: 'tick' });
    expect(state).toMatchObject({ left: 0 });
  });
});

describe('elapsed', () => {
  it('runs while recording and stands still in pauses', () => {
    let state: State = states.ready;
    state = reduce(state, { type: 'record', now: 1000 });
    expect(elapsed(state, 4000)).toBe(3000);
    state = reduce(state, { type: 'pause', now: 4000 });
    expect(elapsed(state, 99_000)).toBe(3000);
    state = reduce(state, { type: 'resume', now: 100_000 });
    expect(elapsed(state, 102_000)).toBe(5000);
    state = reduce(state, { type: 'stop', now: 102_500 });
    expect(elapsed(state, 999_999)).toBe(5500);
  });

  it('is zero before, and never negative', () => {
    expect(elapsed(states.ready, 5)).toBe(0);
    expect(elapsed(states.recording, 0)).toBe(500);
  });
});

it('knows when leaving would hurt and when devices are open', () => {
  const of = (check: (s: State) => boolean) =>
    Object.values(states)
      .filter(check)
      .map((s) => s.name);
  expect(of(isBusy)).toEqual(['recording', 'paused', 'stopping', 'finishing']);
  expect(of(isLive)).toEqual(['ready', 'countdown', 'recording', 'paused', 'stopping']);
});
