import { ApiError, errorFrom, offlineError } from './errors';
import { passHeader } from './pass';

type Options = {
  method?: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  body?: unknown;
  query?: Record<string, string | number | boolean | null | undefined>;
  signal?: AbortSignal;
  /** Lets the request outlive the page, for a last word on leaving. */
  keepalive?: boolean;
  /** Makes the server carry the request out once, however often it is sent: the same text for the same wish. */
  key?: string;
};

/** How long to wait before a request that has a key is sent again, in milliseconds. */
const pauses = [300, 1000, 2500];

/** What passes by itself: no line, and a server that is going or not there yet. */
const passing = [0, 502, 503, 504];

/**
 * One request to the API, answered as T. Throws {@link ApiError} with a sentence, and nothing else save the caller's own
 * abort. The session cookie goes along by itself; the server checks Origin, so no token is needed.
 */
export async function request<T>(path: string, options: Options = {}): Promise<T> {
  for (const pause of options.key === undefined ? [] : pauses) {
    try {
      return await ask<T>(path, options);
    } catch (error) {
      if (!(error instanceof ApiError) || !passing.includes(error.status)) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
  return ask<T>(path, options);
}

async function ask<T>(path: string, options: Options): Promise<T> {
  const response = await send(path, options);
  if (!response.ok) throw await errorFrom(response);
  if (response.status === 204) return undefined as T;
  return (await response.json()) as T;
}

async function send(path: string, { query, body, key, ...init }: Options): Promise<Response> {
  const headers: Record<string, string> = { accept: 'application/json', ...passHeader() };
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (key !== undefined) headers['idempotency-key'] = `"${key}"`;
  try {
    return await fetch(path + search(query), {
      ...init,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw offlineError();
  }
}

function search(query: Options['query'] = {}): string {
  const entries = Object.entries(query).filter(
    ([, value]) => value !== undefined && value !== null && value !== '',
  );
  if (entries.length === 0) return '';
  return `?${new URLSearchParams(entries.map(([key, value]) => [key, String(value)]))}`;
}
