import { beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError, offlineError } from '@/api/errors';
import { Dialing } from './dialing';
import { published } from './endpoint';
import { FakeEndpoint, FakePeer } from './fake';
import { LiveTake, type LiveOptions } from './live-take';
import { endings, LiveRefusal } from './words';

beforeEach(() => void vi.stubGlobal('MediaStream', class {}));

const absent = new ApiError('No.', 404, 'not_found');
type Look = Awaited<ReturnType<LiveOptions['look']>>;

function rig() {
  const peer = new FakePeer();
  const endpoint = new FakeEndpoint();
  const server = {
    video: { state: 'recording', saved_ms: 0, stopped_by: '' } as Look | Error,
    ended: 0,
  };
  const video = { kind: 'video' } as MediaStreamTrack;
  const audio = { kind: 'audio' } as MediaStreamTrack;
  const options: LiveOptions = {
    title: 't',
    videoBits: 1,
    stream: () =>
      ({ getVideoTracks: () => [video], getAudioTracks: () => [audio] }) as unknown as MediaStream,
    look: () =>
      server.video instanceof Error ? Promise.reject(server.video) : Promise.resolve(server.video),
    onChange: () => undefined,
    onEnded: () => void server.ended++,
    signal: new AbortController().signal,
    lookEvery: 5,
    tries: 1,
    sender: {
      endpoint,
      codecs: [],
      peer: () => peer as unknown as RTCPeerConnection,
      pause: () => Promise.resolve(),
      times: { connect: 20, disturbed: 1, restart: 5, comeback: 10, drain: 0 },
    },
  };
  return { peer, endpoint, server, options, video, audio };
}

async function running() {
  const all = rig();
  const take = await LiveTake.connect(all.options);
  take.start();
  await expect.poll(() => all.peer.sent.length).toBe(2);
  return { ...all, take };
}

describe('LiveTake', () => {
  it('sends from its start, and tells what the server has', async () => {
    const { take, peer, server, video, audio } = await running();
    expect(peer.sent).toEqual([video, audio]);
    expect(take.uplink.view).toMatchObject({ phase: 'sending', target: { slug: 'word' } });
    expect(take.record.videoId).toBe('id');
    server.video = { state: 'recording', saved_ms: 4_200, stopped_by: '' };
    await expect.poll(() => take.savedMs).toBe(4_200);
    expect(take.bytes).toBe(500);
    server.video = { ...server.video, state: 'processing' };
    await take.stop();
    expect(await take.confirmed()).toBe(true);
    expect(server.ended).toBe(0);
  });

  it('sends nothing in a pause, and says that it is one', async () => {
    const { take, peer, endpoint, video, audio } = await running();
    take.pause();
    take.resume();
    await expect.poll(() => peer.sent.length).toBe(6);
    expect(peer.sent.slice(2)).toEqual([null, null, video, audio]);
    expect(endpoint.asked).toContain('rest');
    await take.discard();
  });

  it('says that the line is broken, and that it is back', async () => {
    const { take, peer } = await running();
    let answer = () => undefined as void;
    peer.onAnswer = () => answer();
    peer.become('failed');
    expect(take.uplink.view).toMatchObject({ phase: 'troubled', trouble: { kind: 'offline' } });
    answer = () => peer.become('connected');
    await expect.poll(() => take.uplink.view.phase).toBe('sending');
    expect(take.uplink.view.trouble).toBeNull();
    await take.discard();
  });

  it.each([
    ['its account may not go on', { state: 'processing', saved_ms: 9, stopped_by: '' }, 'server'],
    ['the workspace is full', { state: 'processing', saved_ms: 9, stopped_by: 'storage' }, 'bound'],
  ] as const)('ends early when %s, with the video that there is', async (_, video, why) => {
    const { take, server } = await running();
    server.video = video;
    await expect.poll(() => server.ended).toBe(1);
    await take.stop();
    expect(await take.confirmed()).toBe(false);
    expect(take.uplink.view).toMatchObject({
      phase: 'refused',
      trouble: { kind: 'bound', message: endings[why] },
    });
  });

  it('ends early when the line does not come back', async () => {
    const { take, peer, server } = await running();
    peer.onAnswer = () => undefined;
    peer.become('failed');
    await expect.poll(() => server.ended).toBe(1);
    server.video = { state: 'ready', saved_ms: 9, stopped_by: '' };
    await take.stop();
    expect(await take.confirmed()).toBe(false);
    expect(take.uplink.view.trouble?.message).toBe(endings.lost);
  });

  it('says so when nothing arrived at all', async () => {
    const { take, server } = await running();
    await take.stop();
    server.video = absent;
    expect(await take.confirmed()).toBe(false);
    expect(take.uplink.view.trouble).toEqual({ kind: 'gone', message: endings.nothing });
  });

  it('asks again when the line is away at the end', async () => {
    const { take, server, endpoint, options } = await running();
    options.tries = 100;
    endpoint.refuse = () => offlineError();
    server.video = offlineError();
    await take.stop();
    const confirmed = take.confirmed();
    await expect.poll(() => take.uplink.view.phase).toBe('troubled');
    endpoint.refuse = () => null;
    server.video = { state: 'processing', saved_ms: 9, stopped_by: '' };
    window.dispatchEvent(new Event('online'));
    expect(await confirmed).toBe(true);
  });

  it('ends with the page', async () => {
    const { take, endpoint } = await running();
    window.dispatchEvent(new Event('pagehide'));
    await expect.poll(() => endpoint.asked.at(-1)).toBe('leave');
    await take.leave();
    expect(endpoint.asked.filter((what) => what === 'leave')).toHaveLength(1);
  });
});

describe('Dialing', () => {
  it.each([
    [new ApiError('x', 501, 'whip_off'), /switched off/],
    [new ApiError('Too many.', 429, 'whip_sessions'), /^Too many\.$/],
    [offlineError(), /cannot be reached/],
    [new Error('odd'), /could not make/],
  ])('puts into words that %s', async (cause, words) => {
    const { endpoint, options } = rig();
    endpoint.refuse = () => cause;
    const outcome = await new Dialing(options).outcome;
    expect(outcome).toBeInstanceOf(LiveRefusal);
    expect((outcome as LiveRefusal).message).toMatch(words);
  });

  it('names a port that nobody reaches', async () => {
    const { peer, options } = rig();
    peer.onAnswer = () => undefined;
    const outcome = await new Dialing(options).outcome;
    expect((outcome as LiveRefusal).message).toContain('port');
  });

  it('is dropped before or after it has connected, and leaves no session', async () => {
    for (const wait of [false, true]) {
      const { peer, endpoint, options } = rig();
      if (!wait) peer.onAnswer = () => undefined;
      const dialing = new Dialing(options);
      if (wait) await dialing.outcome;
      else await expect.poll(() => peer.remotes.length).toBe(1);
      dialing.drop();
      await expect.poll(() => endpoint.asked).toContain('end');
      expect(peer.sent).toEqual([]);
    }
  });
});

it('reads the answer to an offer, whatever host the server believes to be', () => {
  const headers = new Headers({
    location: 'https://other.example/api/whip/secret',
    etag: '"x"',
    link: '<turn:t.example>; rel="ice-server"; username="u"; credential="c", <https://other.example/v/word>; rel="alternate", </api/videos/id>; rel="describedby"',
  });
  expect(published(headers, 'sdp')).toEqual({
    answer: 'sdp',
    location: '/api/whip/secret',
    etag: '"x"',
    iceServers: [{ urls: 'turn:t.example', username: 'u', credential: 'c' }],
    target: {
      videoId: 'id',
      slug: 'word',
      uploadUrl: '',
      watchUrl: 'https://other.example/v/word',
    },
  });
});
