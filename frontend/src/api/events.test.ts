import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { subscribe } from './events';

class FakeSource extends EventTarget {
  static CLOSED = 2;
  static made: FakeSource[] = [];
  readyState = 0;
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;
  constructor(readonly url: string) {
    super();
    FakeSource.made.push(this);
  }
  close() {
    this.readyState = 2;
  }
  say(name: string, data: string) {
    this.dispatchEvent(new MessageEvent(name, { data }));
  }
  breakFor(good: boolean) {
    this.readyState = good ? 2 : 0;
    this.onerror?.();
  }
}

const latest = () => FakeSource.made.at(-1)!;

beforeEach(() => {
  FakeSource.made = [];
  vi.useFakeTimers();
  vi.stubGlobal('EventSource', FakeSource);
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('subscribe', () => {
  it('hands on what it understands and skips what is torn', () => {
    const video = vi.fn();
    subscribe('/api/events', { handlers: { video } });
    latest().say('video', '{"id":"v1"}');
    latest().say('video', '{"id":');
    expect(video.mock.calls).toEqual([[{ id: 'v1' }]]);
  });

  it('connects again after the browser has given up, ever more slowly, and says so once', () => {
    const onReconnect = vi.fn();
    subscribe('/api/events', { handlers: {}, onReconnect });
    latest().breakFor(true);
    vi.advanceTimersByTime(1_000);
    expect(FakeSource.made).toHaveLength(2);
    latest().breakFor(true);
    vi.advanceTimersByTime(1_999);
    expect(FakeSource.made).toHaveLength(2);
    vi.advanceTimersByTime(1);
    latest().onopen?.();
    expect(onReconnect).toHaveBeenCalledTimes(1);
  });

  it('asks for the whole again if the stream took its time to open, and not if it did not', () => {
    const prompt = vi.fn();
    subscribe('/api/events', { handlers: {}, onReconnect: prompt });
    vi.advanceTimersByTime(900);
    latest().onopen?.();
    vi.advanceTimersByTime(60_000);
    latest().onopen?.();
    expect(prompt).not.toHaveBeenCalled();

    const late = vi.fn();
    subscribe('/api/events', { handlers: {}, onReconnect: late });
    vi.advanceTimersByTime(1_100);
    latest().onopen?.();
    expect(late).toHaveBeenCalledTimes(1);
  });

  it('leaves a dropped line to the browser', () => {
    subscribe('/api/events', { handlers: {} });
    latest().breakFor(false);
    vi.advanceTimersByTime(60_000);
    expect(FakeSource.made).toHaveLength(1);
  });

  it('stops for good', () => {
    const stop = subscribe('/api/events', { handlers: {} });
    latest().breakFor(true);
    stop();
    vi.advanceTimersByTime(60_000);
    expect(FakeSource.made).toHaveLength(1);
  });
});
