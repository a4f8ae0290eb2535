import { expect } from '@playwright/test';

import { owner } from './server.ts';

/** What the API says about a video, as far as the tests look. */
export interface Video {
  id: string;
  slug: string;
  title: string;
  state: 'recording' | 'processing' | 'ready' | 'failed';
  reason: string;
  visibility: 'private' | 'people' | 'workspace' | 'link';
  progress: number;
  duration_ms: number;
  saved_ms: number;
  views: number;
  size_bytes: number;
  watch_url: string;
  upload_url: string;
  playback: {
    hls: string | null;
    progressive: string | null;
    prefer: string;
    live: boolean;
    poster: string | null;
    storyboard: string | null;
    preview: string | null;
    download: string | null;
  };
}

/** A program that talks to the API with a session of its own. */
export class Client {
  cookie = '';

  constructor(readonly url: string) {}

  /** Sends JSON (or bytes) and returns the bare answer. */
  request(method: string, path: string, body?: unknown, headers = {}): Promise<Response> {
    const raw = body instanceof Uint8Array || typeof body === 'string';
    return fetch(new URL(path, this.url), {
      method,
      redirect: 'manual',
      body: body === undefined ? undefined : raw ? (body as BodyInit) : JSON.stringify(body),
      headers: {
        ...(body !== undefined && !raw ? { 'content-type': 'application/json' } : {}),
        ...(this.cookie ? { cookie: this.cookie } : {}),
        ...headers,
      },
    });
  }

  /** Sends JSON, expects success, returns JSON. */
  async json<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await this.request(method, path, body);
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${text}`);
    return (text ? JSON.parse(text) : undefined) as T;
  }

  async signIn(user = owner): Promise<void> {
    const { email, password } = user;
    this.keep(await this.request('POST', '/api/session', { email, password }));
  }

  /** Makes the first account by the token that the server has printed. */
  async setUp(token: string, user = owner): Promise<void> {
    this.keep(await this.request('POST', '/api/setup', { token, ...user }));
  }

  /** Makes another account by an invitation of this one. */
  async invite(user: typeof owner): Promise<void> {
    const { url } = await this.json<{ url: string }>('POST', '/api/invitations', {});
    const token = new URL(url, this.url).pathname.split('/').at(-1);
    await new Client(this.url).json('POST', '/api/invitations/accept', { token, ...user });
  }

  /** Takes the session from an answer that opens one. */
  private keep(answer: Response): void {
    if (answer.status !== 201) throw new Error(`${answer.url} answered ${answer.status}`);
    this.cookie = answer.headers
      .getSetCookie()
      .map((line) => line.split(';')[0])
      .join('; ');
  }

  video(id: string): Promise<Video> {
    return this.json('GET', `/api/videos/${id}`);
  }

  /**
   * Waits until a video has this state, and returns it. Encoding gets what browsers
   * leave of two cores, so it may take long.
   */
  async becomes(id: string, state: 'ready' | 'failed' | RegExp, timeout = 300_000): Promise<Video> {
    await expect.poll(async () => (await this.video(id)).state, { timeout }).toMatch(state);
    return this.video(id);
  }

  async videos(): Promise<Video[]> {
    return (await this.json<{ items: Video[] }>('GET', '/api/videos')).items;
  }

  async videoOf(slug: string): Promise<Video> {
    const found = (await this.videos()).find((video) => video.slug === slug);
    if (!found) throw new Error(`no video with the slug ${slug}`);
    return this.video(found.id);
  }

  /** Creates a video with its open upload. */
  create(title: string, mime: string): Promise<Video> {
    return this.json('POST', '/api/videos', { title, mime });
  }

  /** Uploads a whole file by plain tus and returns the upload's address. */
  async upload(bytes: Uint8Array, filename: string, filetype: string): Promise<string> {
    const encode = (text: string) => Buffer.from(text).toString('base64');
    const created = await this.request('POST', '/api/uploads', undefined, {
      'tus-resumable': '1.0.0',
      'upload-length': String(bytes.length),
      'upload-metadata': `filename ${encode(filename)},filetype ${encode(filetype)},title ${encode(filename)}`,
    });
    const location = created.headers.get('location');
    if (created.status !== 201 || !location) {
      throw new Error(`tus creation answered ${created.status}: ${await created.text()}`);
    }
    const answer = await this.patch(location, 0, bytes);
    if (answer.status !== 204) {
      throw new Error(`tus PATCH answered ${answer.status}: ${await answer.text()}`);
    }
    return location;
  }

  /** Sends one piece of an upload. */
  patch(location: string, offset: number, bytes: Uint8Array, headers = {}): Promise<Response> {
    return this.request('PATCH', location, bytes, {
      'tus-resumable': '1.0.0',
      'content-type': 'application/offset+octet-stream',
      'upload-offset': String(offset),
      ...headers,
    });
  }

  /** The offset that the server acknowledges. */
  async offset(location: string): Promise<number> {
    const answer = await this.request('HEAD', location, undefined, { 'tus-resumable': '1.0.0' });
    return Number(answer.headers.get('upload-offset') ?? -1);
  }
}
