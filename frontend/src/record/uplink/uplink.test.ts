import type { HttpRequest, HttpResponse, HttpStack } from 'tus-js-client';
import { describe, expect, it } from 'vitest';
import { ApiError } from '@/api/errors';
import { MemorySpool } from '../spool/spool';
import { Uplink, type Target, type UplinkView } from './uplink';

type Answer = { status: number; headers?: Record<string, string>; body?: string };

/** A tus server in memory: offset as lock, deferred length, and a fault to be injected before each request. */
class Server implements HttpStack {
  data = new Uint8Array(0);
  length: number | null = null;
  patches = 0;
  fault: (method: string, n: number) => Answer | 'drop' | 'drop-after' | null = () => null;
  private requests = 0;

  getName = () => 'memory';

  createRequest(method: string, url: string): HttpRequest {
    const headers: Record<string, string> = {};
    return {
      getMethod: () => method,
      getURL: () => url,
      setHeader: (name, value) => void (headers[name.toLowerCase()] = value),
      getHeader: (name) => headers[name.toLowerCase()],
      setProgressHandler: () => undefined,
      send: async (body: Blob | null) => response(await this.answer(method, headers, body)),
      abort: () => Promise.resolve(),
      getUnderlyingObject: () => null,
    };
  }

  private async answer(
    method: string,
    headers: Record<string, string>,
    body: Blob | null,
  ): Promise<Answer> {
    const fault = this.fault(method, this.requests++);
    if (fault === 'drop') throw new Error('no line');
    if (fault && fault !== 'drop-after') return fault;
    const answer = method === 'HEAD' ? this.state(200) : await this.patch(headers, body);
    if (fault === 'drop-after') throw new Error('answer lost');
    return answer;
  }

  private async patch(headers: Record<string, string>, body: Blob | null): Promise<Answer> {
    this.patches++;
    if (Number(headers['upload-offset']) !== this.data.length) return { status: 409 };
    const bytes = new Uint8Array(body ? await body.arrayBuffer() : new ArrayBuffer(0));
    this.data = new Uint8Array([...this.data, ...bytes]);
    if (headers['upload-length']) this.length = Number(headers['upload-length']);
    return this.state(204);
  }

  private state(status: number): Answer {
    const headers: Record<string, string> = { 'upload-offset': String(this.data.length) };
    if (this.length !== null) headers['upload-length'] = String(this.length);
    return { status, headers };
  }
}

function response({ status, headers = {}, body = '' }: Answer): HttpResponse {
  return {
    getStatus: () => status,
    getHeader: (name) => headers[name.toLowerCase()],
    getBody: () => body,
    getUnderlyingObject: () => null,
  };
}

const target: Target = { videoId: 'v', slug: 's', uploadUrl: '/api/uploads/u', watchUrl: '/v/s' };

function rig(server: Server, create: () => Promise<Target> = () => Promise.resolve(target)) {
  const spool = new MemorySpool();
  const views: UplinkView[] = [];
  const uplink = new Uplink({
    bytes: spool,
    target: null,
    create,
    stack: server,
    pause: () => Promise.resolve(),
    onChange: (view) => views.push(view),
  });
  const write = async (text: string) => {
    await spool.append(new TextEncoder().encode(text).buffer);
    uplink.source.grown();
  };
  const reached = (bytes: number) =>
    expect.poll(() => uplink.view.acked, { interval: 1 }).toBe(bytes);
  const text = () => new TextDecoder().decode(server.data);
  return { uplink, spool, views, write, reached, text };
}

describe('Uplink', () => {
  it('sends one PATCH per chunk as it is recorded and declares the length at the end', async () => {
    const server = new Server();
    const { uplink, write, reached, text } = rig(server);
    const run = uplink.run();
    await write('first,');
    await reached(6);
    await write('second,');
    await reached(13);
    expect(server.patches).toBe(2);
    await write('third');
    uplink.source.finish();
    expect(await run).toBe(true);
    expect(text()).toBe('first,second,third');
    expect(server.length).toBe(18);
    expect(uplink.view.phase).toBe('complete');
  });

  it('declares the length with an empty PATCH when everything was sent before Stop', async () => {
    const server = new Server();
    const { uplink, write, reached } = rig(server);
    const run = uplink.run();
    await write('all');
    await reached(3);
    uplink.source.finish();
    expect(await run).toBe(true);
    expect(server.length).toBe(3);
  });

  it('survives a dead line, lost answers, busy servers and a full disk without losing or doubling a byte', async () => {
    const server = new Server();
    const faults: ReturnType<Server['fault']>[] = [
      'drop',
      null,
      'drop-after',
      'drop',
      { status: 503 },
      null,
      { status: 507 },
      null,
      { status: 409 },
      null,
      'drop-after',
    ];
    server.fault = (_method, n) => faults[n] ?? null;
    const { uplink, write, views, text } = rig(server);
    const run = uplink.run();
    for (const part of ['a', 'bb', 'ccc', 'dddd']) await write(part);
    uplink.source.finish();
    expect(await run).toBe(true);
    expect(text()).toBe('abbcccdddd');
    expect(new Set(views.map((v) => v.trouble?.kind))).toEqual(
      new Set([undefined, 'offline', 'busy', 'full']),
    );
  });

  it('makes the video when the server is back', async () => {
    let calls = 0;
    const { uplink, write, views, text } = rig(new Server(), () => {
      calls++;
      return calls < 4
        ? Promise.reject(new ApiError('away', 0, 'offline'))
        : Promise.resolve(target);
    });
    const run = uplink.run();
    await write('kept meanwhile');
    uplink.source.finish();
    expect(await run).toBe(true);
    expect(calls).toBe(4);
    expect(views[0]?.trouble?.kind).toBe('offline');
    expect(text()).toBe('kept meanwhile');
    await uplink.targeted;
  });

  it.each([
    [404, 'gone'],
    [410, 'gone'],
    [413, 'refused'],
  ])('gives up on %i, in words', async (status, kind) => {
    const server = new Server();
    server.fault = (method) => (method === 'PATCH' ? { status, body: '{"detail":"so"}' } : null);
    const { uplink, write } = rig(server);
    const run = uplink.run();
    await write('x');
    expect(await run).toBe(false);
    expect(uplink.view).toMatchObject({ phase: 'refused', trouble: { kind } });
  });

  it('does not take the server’s own end for ours', async () => {
    const server = new Server();
    server.data = new Uint8Array([120, 121]);
    server.length = 2;
    const { uplink, write } = rig(server);
    await write('xyz');
    uplink.source.finish();
    expect(await uplink.run()).toBe(false);
    expect(uplink.view.trouble?.kind).toBe('closed');
  });

  it('goes on with a new video after a refusal', async () => {
    const server = new Server();
    server.fault = () => ({ status: 410 });
    const { uplink, write, text } = rig(server);
    await write('again');
    uplink.source.finish();
    expect(await uplink.run()).toBe(false);
    server.fault = () => null;
    uplink.forgetTarget();
    expect(await uplink.run()).toBe(true);
    expect(text()).toBe('again');
  });

  it('stops at once when told to', async () => {
    const { uplink, write } = rig(new Server());
    const run = uplink.run();
    await write('x');
    await uplink.stop();
    expect(await run).toBe(false);
    expect(uplink.view.phase).toBe('ended');
  });
});
