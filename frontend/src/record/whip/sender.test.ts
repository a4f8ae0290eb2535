import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError, offlineError } from '@/api/errors';
import { FakeEndpoint, FakePeer } from './fake';
import { Sender, Unreachable, type Line } from './sender';

beforeEach(() => {
  vi.stubGlobal('MediaStream', class {});
  vi.useFakeTimers();
});
afterEach(() => void vi.useRealTimers());

/** Looks at something again and again, while time passes. */
const inTime = <T>(look: () => T) =>
  expect.poll(async () => {
    await vi.advanceTimersByTimeAsync(5);
    return look();
  });

function rig() {
  const peer = new FakePeer();
  const endpoint = new FakeEndpoint();
  const seen: Line[] = [];
  const sender = new Sender({
    endpoint,
    title: 't',
    videoBits: 1,
    codecs: [],
    onLine: (line) => seen.push(line),
    peer: () => peer as unknown as RTCPeerConnection,
    pause: () => Promise.resolve(),
    times: { connect: 20, disturbed: 5, restart: 10, comeback: 60, drain: 0 },
  });
  return { peer, endpoint, sender, seen };
}

describe('Sender', () => {
  it('connects, with the servers that help, before it sends anything', async () => {
    const { peer, endpoint, sender } = rig();
    endpoint.iceServers = [{ urls: 'stun:s.example' }];
    await sender.connect();
    expect(endpoint.asked).toEqual(['publish']);
    expect(peer.configuration).toEqual({ iceServers: endpoint.iceServers });
    expect(peer.sent).toEqual([]);
    expect(peer.parameters.degradationPreference).toBe('maintain-resolution');
    expect(sender.target?.slug).toBe('word');
    expect(await sender.bytes()).toBe(500);
  });

  it('gives the session back when the port cannot be reached', async () => {
    const { peer, endpoint, sender } = rig();
    peer.onAnswer = () => undefined;
    const refused = expect(sender.connect()).rejects.toBeInstanceOf(Unreachable);
    await vi.advanceTimersByTimeAsync(20);
    await refused;
    expect(endpoint.asked).toEqual(['publish', 'end']);
    expect(peer.connectionState).toBe('closed');
  });

  it('hands a refusal on, and has nothing to end then', async () => {
    const { endpoint, sender } = rig();
    endpoint.refuse = () => new ApiError('Too many.', 429, 'whip_sessions');
    await expect(sender.connect()).rejects.toMatchObject({ code: 'whip_sessions' });
    expect(endpoint.asked).toEqual(['publish']);
  });

  it('trickles candidates in bursts', async () => {
    const { peer, endpoint, sender } = rig();
    await sender.connect();
    for (const n of [1, 2]) peer.onicecandidate?.({ candidate: { candidate: `candidate:${n}` } });
    await inTime(() => endpoint.asked.length).toBe(2);
    expect(endpoint.asked[1]).toMatch(/c0[^]*a=candidate:1\r\na=candidate:2\r\n$/);
  });

  it('comes back by restarting ICE, however often that takes', async () => {
    const { peer, endpoint, sender, seen } = rig();
    await sender.connect();
    endpoint.refuse = (what, n) => (what === 'restart' && n < 3 ? offlineError() : null);
    peer.become('failed');
    await inTime(() => seen).toEqual(['broken', 'connected']);
    expect(endpoint.asked.filter((what) => what === 'restart')).toHaveLength(3);
    expect(peer.remotes.at(-1)).toContain('a=ice-ufrag:s1');
    // an offer whose request failed was never set: the old connection may still recover by itself
    expect(peer.remotes).toHaveLength(2);
  });

  it('waits a moment for a disturbed line, which may recover by itself', async () => {
    const { peer, endpoint, sender, seen } = rig();
    await sender.connect();
    peer.become('disconnected');
    peer.become('connected');
    await vi.advanceTimersByTimeAsync(15);
    expect(seen).toEqual(['connected']);
    peer.onAnswer = () => undefined;
    peer.become('disconnected');
    await inTime(() => seen).toContain('gone');
    expect(endpoint.asked.filter((what) => what === 'restart').length).toBeGreaterThan(1);
  });

  it('is gone at once when the server knows it no more', async () => {
    const { peer, endpoint, sender, seen } = rig();
    await sender.connect();
    endpoint.refuse = () => new ApiError('No.', 404, 'not_found');
    peer.become('failed');
    await inTime(() => seen).toEqual(['broken', 'gone']);
    expect(endpoint.asked.filter((what) => what === 'restart')).toHaveLength(1);
  });

  it('ends: nothing more is sent, and nothing is restarted', async () => {
    const { peer, endpoint, sender } = rig();
    await sender.connect();
    const finished = sender.finish();
    await vi.advanceTimersByTimeAsync(1);
    expect(await finished).toBe(true);
    expect(peer.sent).toEqual([null, null]);
    peer.become('failed');
    expect(endpoint.asked).toEqual(['publish', 'end']);
  });

  it('knows an end that nobody heard from one that came too late', async () => {
    const { endpoint, sender } = rig();
    await sender.connect();
    endpoint.refuse = () => offlineError();
    expect(await sender.end()).toBe(false);
    endpoint.refuse = () => new ApiError('Gone.', 404, 'not_found');
    expect(await sender.end()).toBe(true);
  });
});
