import { describe, expect, it, vi } from 'vitest';
import { ApiError, errorFrom, errorFromProblem, messageOf } from './errors';
import { request } from './request';

describe('errorFromProblem', () => {
  it('says what the server said, as a sentence', () => {
    const error = errorFromProblem(409, { detail: 'that is taken', code: 'taken' });
    expect(error).toMatchObject({ message: 'That is taken.', status: 409, code: 'taken' });
  });

  it('keeps what was wrong at which field', () => {
    const error = errorFromProblem(422, {
      detail: 'validation failed',
      errors: [{ location: 'body.email', message: 'no address' }, { message: 'stray' }, null],
    });
    expect(error.fields).toEqual({ email: 'No address.' });
    expect(error.message).toBe('No address.');
  });

  it.each([null, 'text', 7, { detail: 3 }])('has a sentence for a body like %j', (body) => {
    expect(errorFromProblem(507, body).message).toMatch(/disk is full/);
    expect(errorFromProblem(502, body).message).toMatch(/in a moment/);
  });
});

describe('errorFrom', () => {
  it('reads a proxy’s page without falling over it', async () => {
    const error = await errorFrom(new Response('<h1>Bad gateway</h1>', { status: 502 }));
    expect(error).toMatchObject({ status: 502, code: 'unknown' });
  });
});

describe('messageOf', () => {
  it('does not show people the text of a bug', () => {
    expect(messageOf(new TypeError('x is undefined'))).not.toContain('undefined');
    expect(messageOf(new ApiError('Plain words.', 400, 'x'))).toBe('Plain words.');
  });
});

describe('request', () => {
  it('sends JSON, leaves empty query values out and takes 204 as nothing', async () => {
    const fetch = vi.fn(async () => new Response(null, { status: 204 }));
    vi.stubGlobal('fetch', fetch);
    const got = await request('/api/x', { method: 'POST', body: { a: 1 }, query: { q: '', n: 2 } });
    expect(got).toBeUndefined();
    expect(fetch).toHaveBeenCalledWith(
      '/api/x?n=2',
      expect.objectContaining({ method: 'POST', body: '{"a":1}' }),
    );
    vi.unstubAllGlobals();
  });

  it('tells an unreachable server from a refusal', async () => {
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('Failed to fetch')));
    await expect(request('/api/x')).rejects.toMatchObject({ status: 0, code: 'offline' });
    vi.unstubAllGlobals();
  });
});

describe('a request with a key', () => {
  it('is sent again by the same key until the server is back', async () => {
    vi.useFakeTimers();
    const answers = [
      () => Promise.reject(new TypeError('no line')),
      () => Promise.resolve(new Response('', { status: 503 })),
      () => Promise.resolve(Response.json({ id: 'made' })),
    ];
    const fetching = vi.fn<typeof fetch>(() => answers.shift()!());
    vi.stubGlobal('fetch', fetching);
    const made = request('/api/videos', { method: 'POST', body: {}, key: 'once' });
    const asked = async () => {
      await vi.advanceTimersByTimeAsync(1_000);
      return fetching.mock.calls.length;
    };
    await expect.poll(asked).toBe(3);
    expect(await made).toEqual({ id: 'made' });
    for (const [, init] of fetching.mock.calls) {
      expect(init?.headers).toMatchObject({ 'idempotency-key': '"once"' });
    }
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });

  it('is not sent again when it is refused', async () => {
    const fetching = vi.fn(() => Promise.resolve(new Response('', { status: 422 })));
    vi.stubGlobal('fetch', fetching);
    await expect(request('/api/videos', { method: 'POST', key: 'once' })).rejects.toThrow(ApiError);
    expect(fetching).toHaveBeenCalledTimes(1);
    vi.unstubAllGlobals();
  });
});
