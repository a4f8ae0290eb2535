import { describe, expect, it } from 'vitest';
import { loudness } from './capture/mixer';
import { deviceTrouble } from './capture/devices';
import { obstacle, type Surroundings } from './environment';
import { fileName } from './recovery';
import { defaults, loadSettings, withQuery } from './settings';
import { GrowingSource } from './uplink/source';
import { MemorySpool } from './spool/spool';

const good: Surroundings = {
  secure: true,
  address: 'https://video.example',
  port: '',
  devices: true,
  recorder: true,
  peer: true,
  display: true,
};

describe('obstacle', () => {
  it('is none where recording works', () => expect(obstacle(good)).toBeNull());

  it('says why an insecure address cannot record, and where to go', () => {
    const found = obstacle({
      ...good,
      secure: false,
      address: 'http://10.0.0.5:8080',
      port: '8080',
      devices: false,
    });
    expect(found?.kind).toBe('insecure');
    expect(found?.why).toContain('http://10.0.0.5:8080');
    expect(found?.steps.join(' ')).toContain('http://localhost:8080');
    expect(found?.steps.join(' ')).toContain('https');
  });

  it('names a browser that lacks the interfaces', () => {
    expect(obstacle({ ...good, recorder: false, peer: false })?.kind).toBe('unsupported');
    expect(obstacle({ ...good, recorder: false })).toBeNull();
  });
});

describe('settings', () => {
  it('come from storage, broken storage or the address', () => {
    const stored = (text: string) => loadSettings({ getItem: () => text });
    expect(stored('{"cameraId":"x","bubble":{"size":"large"}}')).toMatchObject({
      cameraId: 'x',
      mode: defaults.mode,
      bubble: { size: 'large', corner: 'bottom-left' },
    });
    expect(stored('{')).toEqual(defaults);
    expect(withQuery(defaults, '?mime=webm&countdown=0')).toMatchObject({
      format: 'webm',
      countdown: false,
    });
    expect(withQuery(defaults, '?live=1').live).toBe(true);
    expect(withQuery(defaults, '')).toEqual(defaults);
  });
});

it('measures loudness between silence and full scale', () => {
  expect(loudness(new Float32Array(64))).toBe(0);
  expect(loudness(new Float32Array(64).fill(1))).toBe(1);
  const half = loudness(new Float32Array(64).fill(0.0316));
  expect(half).toBeGreaterThan(0.45);
  expect(half).toBeLessThan(0.55);
});

it('says in words why a device did not open', () => {
  expect(deviceTrouble(new DOMException('', 'NotAllowedError'), 'camera')).toContain('not allowed');
  expect(deviceTrouble(new DOMException('', 'NotAllowedError'), 'screen')).toContain(
    'No screen was shared',
  );
  expect(deviceTrouble(new DOMException('', 'NotFoundError'), 'microphone')).toContain(
    'No microphone',
  );
  expect(deviceTrouble(new DOMException('', 'NotReadableError'), 'camera')).toContain('in use');
  expect(deviceTrouble('odd', 'camera')).toContain('could not be opened');
});

it('makes file names that every system takes', () => {
  expect(fileName('Plan: a/b?', 'video/mp4')).toBe('Plan- a-b-.mp4');
  expect(fileName('', 'video/webm')).toBe('Recording.webm');
});

it('a growing source waits for the first byte, and says when it is done', async () => {
  const spool = new MemorySpool();
  const source = new GrowingSource(spool);
  const first = source.slice(0, 10);
  await spool.append(new Uint8Array([1, 2, 3]).buffer);
  source.grown();
  expect(await first).toMatchObject({ done: false, value: { size: 3 } });
  const last = source.slice(3, 10);
  source.finish();
  expect(await last).toEqual({ value: null, done: true });
  expect(await source.slice(1, 2)).toMatchObject({ done: false, value: { size: 1 } });
});
