import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

import { made } from '../support/clips.ts';
import { fragmentedMP4 } from '../support/hostile.ts';
import { expect, test } from '../support/test.ts';

const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** The address of the original below a video's grant. */
const sourceOf = (media: string) => media.replace(/[^/]+$/, 'source');

test('kill -9 in the middle of uploads loses nothing that was acknowledged', async ({
  server,
  api,
}) => {
  const bytes = fragmentedMP4();
  const video = await api.create('killed', 'video/mp4');
  const step = Math.ceil(bytes.length / 24);
  let acknowledged = 0;
  for (let round = 0; acknowledged < bytes.length; round++) {
    // the piece is on its way when the server dies
    const end = Math.min(acknowledged + step, bytes.length);
    const sent = api
      .patch(video.upload_url, acknowledged, bytes.subarray(acknowledged, end), {
        ...(end === bytes.length ? { 'upload-length': String(bytes.length) } : {}),
      })
      .then((answer) => answer.status === 204)
      .catch(() => false);
    if (round % 4 === 3) {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 8));
      await server.kill9();
      await server.start();
    }
    const before = (await sent) ? end : acknowledged;
    if (end === bytes.length && before === end) break;
    acknowledged = await api.offset(video.upload_url);
    expect(acknowledged).toBeGreaterThanOrEqual(before);
  }
  await api.becomes(video.id, 'ready');
  const { playback } = await api.video(video.id);
  const kept = await api.request('GET', sourceOf(playback.hls ?? playback.progressive ?? ''));
  expect(sha(Buffer.from(await kept.arrayBuffer()))).toBe(sha(bytes));
});

test('kill -9 while renditions are made: they are finished within seconds of the restart', async ({
  server,
  api,
}) => {
  const clip = made(
    'minute.mp4',
    ...['-f', 'lavfi', '-i', 'testsrc2=s=1280x720:r=30:d=75'],
    ...['-f', 'lavfi', '-i', 'sine=f=440:d=75', '-c:v', 'libx264', '-preset', 'ultrafast'],
    ...['-pix_fmt', 'yuv420p', '-g', '60', '-sc_threshold', '0', '-c:a', 'aac', '-shortest'],
    ...['-movflags', 'frag_keyframe+empty_moov+default_base_moof'],
  );
  await api.upload(readFileSync(clip), 'minute.mp4', 'video/mp4');
  const [video] = await api.videos();
  const id = video?.id ?? '';
  for (let round = 0; round < 3; round++) {
    const before = (await api.video(id)).progress;
    if (before >= 1) break;
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    await server.kill9();
    await server.start();
    expect((await api.video(id)).progress).toBeGreaterThanOrEqual(before);
  }
  // the next attempt begins at once and not after a timeout of an hour
  await api.becomes(id, 'ready');
});

test('the last piece may be cut and sent again with its announced length', async ({ api }) => {
  const bytes = fragmentedMP4();
  const video = await api.create('cut at the end', 'video/mp4');
  const announced = { 'upload-length': String(bytes.length) };
  const half = Math.floor(bytes.length / 2);
  expect((await api.patch(video.upload_url, 0, bytes.subarray(0, half), announced)).status).toBe(
    204,
  );
  const rest = await api.patch(video.upload_url, half, bytes.subarray(half), announced);
  expect(rest.status).toBe(204);
  const other = await api.patch(video.upload_url, bytes.length, new Uint8Array(), {
    'upload-length': String(bytes.length + 1),
  });
  expect(other.status).toBeLessThan(500);
});
