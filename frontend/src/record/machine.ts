/**
 * The life of one take as a pure function: (state, event) → state. Everything that touches a browser lives elsewhere;
 * an event that makes no sense in a state leaves it unchanged, so late callbacks can never confuse the page.
 */

/** What is recorded. */
export type Mode = 'screen' | 'screen-camera' | 'camera';

/** Where a take is in its life. Times are milliseconds on the caller's monotonic clock. */
export type State =
  | { name: 'idle'; notice: string | null }
  | { name: 'choosing'; mode: Mode }
  | { name: 'ready'; mode: Mode }
  | { name: 'countdown'; mode: Mode; left: number }
  | { name: 'recording'; mode: Mode; since: number; before: number }
  | { name: 'paused'; mode: Mode; before: number }
  | { name: 'stopping'; mode: Mode; durationMs: number }
  | { name: 'finishing'; durationMs: number }
  | { name: 'done'; durationMs: number }
  | { name: 'failed'; durationMs: number; reason: string };

/** What can happen. `now` is on the same clock as the state's times. */
export type Event =
  | { type: 'choose'; mode: Mode }
  | { type: 'granted' }
  | { type: 'denied'; reason: string }
  | { type: 'back' }
  | { type: 'count'; from: number }
  | { type: 'tick' }
  | { type: 'record'; now: number }
  | { type: 'pause'; now: number }
  | { type: 'resume'; now: number }
  | { type: 'stop'; now: number }
  | { type: 'source-ended'; now: number }
  | { type: 'written' }
  | { type: 'confirmed' }
  | { type: 'refused'; reason: string }
  | { type: 'retry' }
  | { type: 'cancel' };

/** The state a page starts in. */
export const initial: State = { name: 'idle', notice: null };

const sharingEnded = 'Sharing ended before the recording began.';

/** The one transition function. */
export function reduce(state: State, event: Event): State {
  switch (state.name) {
    case 'idle':
      return event.type === 'choose' ? { name: 'choosing', mode: event.mode } : state;
    case 'choosing':
      return reduceChoosing(state, event);
    case 'ready':
      return reduceReady(state, event);
    case 'countdown':
      return reduceCountdown(state, event);
    case 'recording':
    case 'paused':
      return reduceTake(state, event);
    case 'stopping':
      return reduceStopping(state, event);
    case 'finishing':
      return reduceFinishing(state, event);
    case 'failed':
      return reduceFailed(state, event);
    case 'done':
      return event.type === 'back' ? initial : state;
  }
}

function reduceChoosing(state: State & { name: 'choosing' }, event: Event): State {
  switch (event.type) {
    case 'granted':
      return { name: 'ready', mode: state.mode };
    case 'denied':
      return { name: 'idle', notice: event.reason };
    case 'back':
      return initial;
    default:
      return state;
  }
}

function reduceReady(state: State & { name: 'ready' }, event: Event): State {
  switch (event.type) {
    case 'count':
      return { name: 'countdown', mode: state.mode, left: event.from };
    case 'record':
      return { name: 'recording', mode: state.mode, since: event.now, before: 0 };
    case 'denied':
      return { name: 'idle', notice: event.reason };
    case 'source-ended':
      return { name: 'idle', notice: sharingEnded };
    case 'back':
      return initial;
    default:
      return state;
  }
}

function reduceCountdown(state: State & { name: 'countdown' }, event: Event): State {
  switch (event.type) {
    case 'tick':
      return { ...state, left: Math.max(0, state.left - 1) };
    case 'record':
      return { name: 'recording', mode: state.mode, since: event.now, before: 0 };
    case 'denied':
      return { name: 'idle', notice: event.reason };
    case 'source-ended':
      return { name: 'idle', notice: sharingEnded };
    case 'cancel':
    case 'back':
      return { name: 'ready', mode: state.mode };
    default:
      return state;
  }
}

function reduceTake(state: State & { name: 'recording' | 'paused' }, event: Event): State {
  switch (event.type) {
    case 'pause':
      return state.name === 'paused'
        ? state
        : { name: 'paused', mode: state.mode, before: elapsed(state, event.now) };
    case 'resume':
      return state.name === 'recording'
        ? state
        : { name: 'recording', mode: state.mode, since: event.now, before: state.before };
    case 'stop':
    case 'source-ended':
      return { name: 'stopping', mode: state.mode, durationMs: elapsed(state, event.now) };
    case 'cancel':
      return initial;
    default:
      return state;
  }
}

function reduceStopping(state: State & { name: 'stopping' }, event: Event): State {
  switch (event.type) {
    case 'written':
      return { name: 'finishing', durationMs: state.durationMs };
    case 'refused':
      return { name: 'failed', durationMs: state.durationMs, reason: event.reason };
    default:
      return state;
  }
}

function reduceFinishing(state: State & { name: 'finishing' }, event: Event): State {
  switch (event.type) {
    case 'confirmed':
      return { name: 'done', durationMs: state.durationMs };
    case 'refused':
      return { name: 'failed', durationMs: state.durationMs, reason: event.reason };
    default:
      return state;
  }
}

function reduceFailed(state: State & { name: 'failed' }, event: Event): State {
  switch (event.type) {
    case 'retry':
      return { name: 'finishing', durationMs: state.durationMs };
    case 'back':
      return initial;
    default:
      return state;
  }
}

/** Recorded time so far in milliseconds; pauses do not count. */
export function elapsed(state: State, now: number): number {
  switch (state.name) {
    case 'recording':
      return state.before + Math.max(0, now - state.since);
    case 'paused':
      return state.before;
    case 'stopping':
    case 'finishing':
    case 'done':
    case 'failed':
      return state.durationMs;
    default:
      return 0;
  }
}

/** Whether leaving the page now would cut a take short or interrupt sending it. */
export function isBusy(state: State): boolean {
  return ['recording', 'paused', 'stopping', 'finishing'].includes(state.name);
}

/** Whether devices are open: the page shows a preview. */
export function isLive(state: State): boolean {
  return ['ready', 'countdown', 'recording', 'paused', 'stopping'].includes(state.name);
}
