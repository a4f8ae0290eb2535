/** What there is to say about recordings that are sent live and kept nowhere else. */
import { ApiError } from '@/api/errors';
import type { Trouble } from '../uplink/trouble';
import { Unreachable } from './sender';

/** Why no live recording began, for the person. */
export class LiveRefusal extends Error {}

/** The sentence for what kept a connection from being made. */
export function refusal(cause: unknown): LiveRefusal {
  return new LiveRefusal(reason(cause), { cause });
}

function reason(cause: unknown): string {
  if (cause instanceof Unreachable)
    return 'The server’s port for live recordings cannot be reached from this network.';
  if (!(cause instanceof ApiError)) return 'This browser could not make a live connection.';
  if (cause.code === 'whip_off') return 'Live recording is switched off on this server.';
  if (cause.status === 0) return 'The server cannot be reached.';
  return cause.message;
}

/** What follows a refusal where the browser can record by itself. */
export const ordinaryWay =
  'This recording goes the ordinary way: this browser keeps it until the server has it all.';

/** What follows where it cannot. */
export const noOtherWay =
  'This browser has no recorder of its own, so nothing can be recorded now. Try again, or use another browser.';

/** While the line is away: what is said now is lost. */
export const brokenLine: Trouble = {
  kind: 'offline',
  message:
    'The line is broken, and what happens now is not recorded: nothing is kept in this browser. The recording goes on by itself when the line is back within a minute.',
};

const isVideo = 'What arrived until then is a video and plays.';

/** Why a recording ended before its Stop. All of it is of the kind that leaves a video behind. */
export const endings = {
  lost: `The line did not come back within a minute, so the recording ended. ${isVideo}`,
  server: `The server ended this recording. ${isVideo}`,
  bound: `The recording ended here, at a limit of your workspace. ${isVideo}`,
  removed: 'This recording was removed on the server.',
  nothing: 'Nothing of this recording reached the server.',
} as const;

/** Trouble that ends a recording. */
export function ending(why: keyof typeof endings): Trouble {
  const kept = why === 'lost' || why === 'server' || why === 'bound';
  return { kind: kept ? 'bound' : 'gone', message: endings[why] };
}
