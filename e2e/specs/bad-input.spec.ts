import { createHash } from 'node:crypto';

import type { Client, Video } from '../support/api.ts';
import {
  endlessMP4,
  fragmentedMP4,
  hugeMP4,
  manyTracks,
  ordinaryMP4,
  playlist,
} from '../support/hostile.ts';
import { expect, test } from '../support/test.ts';

/** Uploads a file and returns the video it became. */
async function uploadAs(api: Client, bytes: Buffer, name: string, type: string): Promise<Video> {
  await api.upload(bytes, name, type);
  const [video] = await api.videos();
  if (!video) throw new Error('the upload made no video');
  return video;
}

/** Expects an error that a program and a person can read. */
async function expectProblem(answer: Response, status: number | number[]): Promise<void> {
  expect([status].flat()).toContain(answer.status);
  expect(answer.headers.get('content-type')).toContain('application/problem+json');
  const problem = (await answer.json()) as { code: string; detail: string };
  expect(problem.code).toMatch(/^[a-z_]+$/);
  expect(problem.detail).toMatch(/^\S+ \S+/);
}

for (const [name, file] of [
  ['letter.mp4', () => Buffer.from('Dear reader, this is not a video.\n'.repeat(500))],
  ['playlist.mp4', playlist],
  ['tracks.mp4', manyTracks],
  ['truncated.mp4', () => ordinaryMP4().subarray(0, 20_000)],
] as const) {
  test(`${name} is refused in words and its bytes are kept`, async ({ api }) => {
    const bytes = file();
    const video = await uploadAs(api, bytes, name, 'video/mp4');
    const done = await api.becomes(video.id, 'failed');
    expect(done.reason).toMatch(/^\S+ \S+ .*/);
    expect(done.reason).not.toMatch(/exit status|moov atom|Invalid data/);
    if (done.playback.download) {
      const kept = await api.request('GET', done.playback.download);
      const sum = createHash('sha256').update(Buffer.from(await kept.arrayBuffer()));
      expect(sum.digest('hex')).toBe(createHash('sha256').update(bytes).digest('hex'));
    }
  });
}

test('a file of zero bytes is refused in words', async ({ api }) => {
  const answer = await api.request('POST', '/api/uploads', undefined, {
    'tus-resumable': '1.0.0',
    'upload-length': '0',
    'upload-metadata': `filename ${Buffer.from('empty.mp4').toString('base64')}`,
  });
  if (answer.status >= 400) {
    expect(await answer.text()).toMatch(/\S+ \S+/);
    return;
  }
  const [video] = await api.videos();
  const done = await api.becomes(video?.id ?? '', 'failed');
  expect(done.reason).toMatch(/^\S+ \S+/);
});

test('a recording that was cut off plays to where it was cut', async ({ api }) => {
  const whole = fragmentedMP4();
  const bytes = whole.subarray(0, Math.floor(whole.length * 0.6));
  const video = await uploadAs(api, bytes, 'cut.mp4', 'video/mp4');
  const done = await api.becomes(video.id, 'ready');
  expect(done.duration_ms).toBeGreaterThan(3_000);
  expect(done.duration_ms).toBeLessThan(12_000);
});

test('8K at 240 fps ends in a video or in a sentence', async ({ api }) => {
  const video = await uploadAs(api, hugeMP4(), 'huge.mp4', 'video/mp4');
  const done = await api.becomes(video.id, /ready|failed/);
  if (done.state === 'failed') expect(done.reason).toMatch(/^\S+ \S+ .*/);
});

test('twelve hours of nothing leave the server well', async ({ api }) => {
  const video = await uploadAs(api, endlessMP4(), 'endless.mp4', 'video/mp4');
  await expect
    .poll(
      async () => {
        const now = await api.video(video.id);
        return Boolean(now.playback.hls ?? now.playback.progressive) || now.state === 'failed';
      },
      { timeout: 300_000 },
    )
    .toBe(true);
  // The quickest of some: the machine may stand still during one of them.
  const took: number[] = [];
  for (let i = 0; i < 20; i++) {
    const start = performance.now();
    await api.videos();
    took.push(performance.now() - start);
  }
  expect(Math.min(...took)).toBeLessThan(1_000);
});

test('a wrong offset is refused and nothing moves', async ({ api }) => {
  const video = await api.create('offsets', 'video/mp4');
  const bytes = fragmentedMP4();
  expect((await api.patch(video.upload_url, 0, bytes.subarray(0, 1000))).status).toBe(204);
  for (const offset of [0, 999, 1001, 1e12]) {
    const answer = await api.patch(video.upload_url, offset, bytes.subarray(1000, 2000));
    expect(answer.status).toBe(409);
  }
  expect((await api.patch(video.upload_url, -1, bytes.subarray(0, 10))).status).toBe(400);
  expect(await api.offset(video.upload_url)).toBe(1000);
});

test('a lying length is refused', async ({ api }) => {
  for (const length of ['-1', 'many', '1e400', '9223372036854775808']) {
    const answer = await api.request('POST', '/api/uploads', undefined, {
      'tus-resumable': '1.0.0',
      'upload-length': length,
    });
    expect(answer.status, length).toBeGreaterThanOrEqual(400);
    expect(answer.status, length).toBeLessThan(500);
  }
  const video = await api.create('lies', 'video/mp4');
  const bytes = fragmentedMP4().subarray(0, 2000);
  await api.patch(video.upload_url, 0, bytes.subarray(0, 500), { 'upload-length': '1000' });
  await api.patch(video.upload_url, 500, bytes.subarray(500), {}).catch(() => undefined);
  expect(await api.offset(video.upload_url).catch(() => 0)).toBeLessThanOrEqual(1000);
});

test('a title of a megabyte is refused', async ({ api }) => {
  const title = 'x'.repeat(1 << 20);
  await expectProblem(await api.request('POST', '/api/videos', { title }), [400, 413, 422]);
  const video = await api.create('short', 'video/mp4');
  const answer = await api.request('PATCH', `/api/videos/${video.id}`, { title });
  await expectProblem(answer, [400, 413, 422]);
  expect((await api.video(video.id)).title).toBe('short');
});

test('comments outside of time are refused', async ({ api }) => {
  const video = await uploadAs(api, fragmentedMP4(), 'talk.mp4', 'video/mp4');
  const path = `/api/videos/${video.id}/comments`;
  await expectProblem(await api.request('POST', path, { at_ms: -1000, body: 'x' }), [400, 422]);
  await expectProblem(await api.request('POST', path, { at_ms: 0, body: ' ' }), [400, 422]);
  await expectProblem(
    await api.request('POST', path, { at_ms: 0, body: 'x'.repeat(1 << 20) }),
    [400, 413, 422],
  );
  await expectProblem(await api.request('POST', path, '{"at_ms":'), [400, 415, 422]);
});
