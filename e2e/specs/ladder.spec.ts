import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

import type { Client, Video } from '../support/api.ts';
import { made } from '../support/clips.ts';
import { countedMP4, readCounter } from '../support/counter.ts';
import { times } from '../support/media.ts';
import { expect, test } from '../support/test.ts';

/** Uploads a file, waits for its renditions, returns the video. */
async function finished(api: Client, file: string, timeout: number): Promise<Video> {
  await api.upload(readFileSync(file), 'ladder.mp4', 'video/mp4');
  const [video] = await api.videos();
  const id = video?.id ?? '';
  return api.becomes(id, 'ready', timeout);
}

const sorted = (numbers: number[]) => numbers.sort((a, b) => a - b);

/** The addresses of all playlists that a master playlist names. */
async function playlists(master: string): Promise<string[]> {
  const text = await (await fetch(master)).text();
  const variants = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const audio = [...text.matchAll(/TYPE=AUDIO.*URI="([^"]+)"/g)].map((found) => found[1] ?? '');
  return [...variants, ...audio].map((uri) => new URL(uri, master).href);
}

test('spans join to the frame, without a gap or an overlap', async ({ server, api }) => {
  test.setTimeout(900_000);
  const seconds = 95;
  const wanted = sorted(times(countedMP4(seconds), 'v'));
  const video = await finished(api, countedMP4(seconds), 600_000);
  const master = server.url + video.playback.hls;
  const rungs = (await playlists(master)).filter((uri) => !/audio|source/.test(uri));
  expect(rungs.length).toBeGreaterThan(0);
  for (const rung of rungs) {
    const numbers = readCounter(rung);
    expect(numbers, rung).toEqual(Array.from({ length: seconds * 30 }, (_, i) => i));
    const at = sorted(times(rung, 'v'));
    expect(at.length).toBe(seconds * 30);
    for (const [i, time] of at.entries()) {
      expect(Math.abs(time - (wanted[i] ?? 0)), `${rung} frame ${i}`).toBeLessThan(0.001);
    }
  }
});

test('sound and picture are together after half an hour', async ({ server, api }) => {
  test.setTimeout(1_200_000);
  // once a minute a white flash and a beep, both a tenth of a second long
  const file = made(
    'flashes.mp4',
    ...['-f', 'lavfi', '-i'],
    "color=black:s=320x180:r=20:d=1800,drawbox=t=fill:color=white:enable='lt(mod(t,60),0.1)'",
    ...['-f', 'lavfi', '-i', "aevalsrc='lt(mod(t,60),0.1)*sin(2*PI*1000*t)':s=48000:d=1800"],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '40'],
    ...['-sc_threshold', '0', '-c:a', 'aac', '-b:a', '64k'],
    ...['-movflags', 'frag_keyframe+empty_moov+default_base_moof'],
  );
  const video = await finished(api, file, 900_000);
  const all = await playlists(server.url + video.playback.hls);
  const picture = all.find((uri) => !/audio|source/.test(uri)) ?? '';
  const sound = all.find((uri) => /audio/.test(uri)) ?? '';
  const flash = flashes(picture);
  const beep = beeps(sound);
  expect(flash.length).toBe(30);
  expect(beep.length).toBe(30);
  for (const [i, at] of flash.entries()) {
    expect(Math.abs(at - (beep[i] ?? 0)), `minute ${i}`).toBeLessThan(0.04);
  }
});

/** When the picture turns white, in seconds. */
function flashes(input: string): number[] {
  const args = ['-nostdin', '-v', 'error', '-i', input, '-fps_mode', 'passthrough', '-copyts'];
  const filter = ['-vf', 'scale=1:1:flags=area,format=gray', '-f', 'rawvideo', 'pipe:1'];
  const pixels = execFileSync('ffmpeg', [...args, ...filter], { maxBuffer: 1 << 28 });
  const at = sorted(times(input, 'v'));
  return rises([...pixels].map((value, i) => [at[i] ?? 0, value / 255]));
}

/** When the sound begins, in seconds. */
function beeps(input: string): number[] {
  const rate = 8000;
  const args = ['-nostdin', '-v', 'error', '-i', input, '-map', '0:a:0'];
  const filter = ['-af', 'aresample=async=1:first_pts=0', '-ac', '1', '-ar', String(rate)];
  const bytes = execFileSync('ffmpeg', [...args, ...filter, '-f', 's16le', 'pipe:1'], {
    maxBuffer: 1 << 28,
  });
  const samples = new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length >> 1);
  let peak = 1;
  for (const sample of samples) peak = Math.max(peak, Math.abs(sample));
  const points: [number, number][] = [];
  for (let i = 0; i < samples.length; i += 8) {
    let loudest = 0;
    for (const sample of samples.subarray(i, i + 8)) loudest = Math.max(loudest, Math.abs(sample));
    points.push([i / rate, loudest / peak]);
  }
  return rises(points);
}

/** Times at which a value passes a half after having been low for a second. */
function rises(points: [number, number][]): number[] {
  const found: number[] = [];
  let last = -Infinity;
  for (const [time, value] of points) {
    if (value < 0.5) continue;
    if (time - last > 1) found.push(time);
    last = time;
  }
  return found;
}
