import type { Trouble } from './model';

/** The store has lost what was asked for; the video itself is there. */
export const missing: Trouble = {
  kind: 'missing',
  text: 'A part of this video is missing on the server. Whoever looks after it can see that, too.',
};

/** A sentence for a failure, by HTTP status; 0 for no answer, null for a decoder's fault. */
export function troubleOf(status: number | null): Trouble {
  if (status === null) {
    return { kind: 'format', text: 'This browser cannot play this part of the video.' };
  }
  if ([401, 403, 404, 410].includes(status)) {
    return { kind: 'gone', text: 'This video is not shared with you any more.' };
  }
  if (typeof navigator !== 'undefined' && navigator.onLine === false) {
    return { kind: 'offline', text: 'You are offline. It goes on when the connection is back.' };
  }
  return {
    kind: 'network',
    text:
      status >= 500
        ? 'The server has trouble right now. The video goes on where you were.'
        : 'The connection was lost. The video goes on where you were.',
  };
}
