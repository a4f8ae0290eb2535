/** A refusal or a failure, with a sentence that may be shown as it is. */
export class ApiError extends Error {
  override name = 'ApiError';

  constructor(
    message: string,
    /** HTTP status; 0 when the server could not be reached. */
    readonly status: number,
    /** The server's stable code for this error, or 'offline' / 'unknown'. */
    readonly code: string,
    /** For each field of the request that was wrong: what was wrong with it. */
    readonly fields: Record<string, string> = {},
  ) {
    super(message);
  }
}

/** What RFC 9457 and huma put into an error body, all of it optional and none of it trusted. */
type Problem = {
  title?: unknown;
  detail?: unknown;
  code?: unknown;
  errors?: unknown;
};

const sentences: Record<number, string> = {
  401: 'Please sign in first.',
  403: 'You are not allowed to do that.',
  404: 'That does not exist, or not any more.',
  409: 'Somebody else was faster. Reload and try again.',
  413: 'That is too large for this server.',
  422: 'The server did not understand one of the values.',
  429: 'Too many attempts. Wait a minute and try again.',
  507: 'The server’s disk is full. Nothing is lost: try again once there is room.',
};

/** Reads the answer of a failed request into an error with a sentence. Never throws. */
export async function errorFrom(response: Response): Promise<ApiError> {
  let body: unknown = null;
  try {
    body = await response.json();
  } catch {
    // A proxy's HTML page or nothing at all: the status has to do.
  }
  return errorFromProblem(response.status, body);
}

/** The same from a status and an already parsed body. */
export function errorFromProblem(status: number, body: unknown): ApiError {
  const problem: Problem = typeof body === 'object' && body !== null ? body : {};
  const fallback =
    sentences[status] ??
    (status >= 500
      ? 'The server could not do that right now. Try again in a moment.'
      : 'That did not work.');
  const fields = fieldErrors(problem.errors);
  const detail = text(problem.detail);
  // huma's summary says less than what it found wrong.
  const single = Object.values(fields)[0];
  const sentence = detail === 'validation failed' && single ? single : detail;
  return new ApiError(
    asSentence(sentence || fallback),
    status,
    text(problem.code) || 'unknown',
    fields,
  );
}

/** The error of a request that got no answer. */
export function offlineError(): ApiError {
  return new ApiError(
    'The server cannot be reached. Check your connection and try again.',
    0,
    'offline',
  );
}

/** A sentence for anything that was thrown. */
export function messageOf(error: unknown): string {
  if (error instanceof ApiError) return error.message;
  return 'Something went wrong in this page. Reload it and try again.';
}

function text(value: unknown): string {
  return typeof value === 'string' ? value.trim() : '';
}

function asSentence(message: string): string {
  const upper = message.charAt(0).toUpperCase() + message.slice(1);
  return /[.!?…]$/.test(upper) ? upper : `${upper}.`;
}

function fieldErrors(errors: unknown): Record<string, string> {
  const fields: Record<string, string> = {};
  if (!Array.isArray(errors)) return fields;
  for (const entry of errors as { location?: unknown; message?: unknown }[]) {
    const message = text(entry?.message);
    const field = text(entry?.location).replace(/^body\./, '');
    if (message && field) fields[field] ??= asSentence(message);
  }
  return fields;
}
