/** What went wrong on the way to the server: in words, and whether trying again can help. */

/** One failed attempt. */
export interface Trouble {
  /**
   * offline: nobody answered · busy: try again as it is · signed-out · full: no room now · gone, closed, refused: final ·
   * bound: the workspace allows no more; what the server has is a video.
   */
  kind: 'offline' | 'busy' | 'signed-out' | 'full' | 'gone' | 'closed' | 'refused' | 'bound';
  /** A sentence for the person recording. */
  message: string;
}

const words: Record<Trouble['kind'], string> = {
  offline:
    'The server cannot be reached. Your recording is safe in this browser and will be sent when the line is back.',
  busy: 'The server is busy. Your recording is safe in this browser; sending goes on in a moment.',
  'signed-out':
    'You are signed out. Sign in again in another tab; your recording is safe here and sending will go on.',
  full: 'The server’s disk is full. Your recording is safe in this browser; sending goes on as soon as there is room.',
  gone: 'The server no longer has this upload: it was deleted or has expired. Your browser still holds the recording.',
  closed:
    'The server closed this video while the line was down. Your browser still holds the whole recording.',
  bound:
    'The recording ended here, at a limit of your workspace. What was saved until then is a video and plays; this browser still holds the rest.',
  refused: 'The server refused this recording. Your browser still holds it.',
};

/** Trouble of a kind, with the server's own sentence behind ours where it gave one. */
export function trouble(kind: Trouble['kind'], detail?: string | null): Trouble {
  return { kind, message: detail ? `${words[kind]} (${detail})` : words[kind] };
}

/** The server's codes for the limits of a workspace. */
const bounds = ['storage_full', 'upload_too_large', 'video_too_long'];

/** Maps an HTTP status (0: no answer at all) to trouble. */
export function fromStatus(
  status: number,
  detail: string | null = null,
  code: string | null = null,
): Trouble {
  if (status === 0) return trouble('offline');
  if (status === 401) return trouble('signed-out');
  if (status === 404 || status === 410) return trouble('gone');
  if (status === 413 && bounds.includes(code ?? '')) return trouble('bound', detail);
  if (status === 413) return trouble('refused', detail ?? 'It is larger than the server accepts.');
  if (status === 507) return trouble('full');
  if ([408, 409, 423, 425, 429, 460].includes(status) || status >= 500) return trouble('busy');
  return trouble('refused', detail ?? `Answer ${status}.`);
}

/** The sentence in a problem+json body (RFC 9457), if there is one. */
export function problemDetail(body: string): string | null {
  const problem = problemOf(body);
  const text = problem.detail ?? problem.title;
  return typeof text === 'string' && text ? text.slice(0, 300) : null;
}

/** The server's word for programs in the same body. */
export function problemCode(body: string): string | null {
  const { code } = problemOf(body);
  return typeof code === 'string' ? code : null;
}

function problemOf(body: string): { detail?: unknown; title?: unknown; code?: unknown } {
  try {
    return (JSON.parse(body) ?? {}) as object;
  } catch {
    return {};
  }
}

/** Whether another attempt can help by itself. */
export function isFinal(t: Trouble): boolean {
  return ['gone', 'closed', 'refused', 'bound'].includes(t.kind);
}

/** Milliseconds before attempt n (from 0): quick at first, at most 8 s, with jitter so that many recorders spread out. */
export function backoff(attempt: number, random: number = Math.random()): number {
  const base = Math.min(8_000, 500 * 2 ** Math.min(attempt, 10));
  return Math.round(base * (0.75 + random / 2));
}
