import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';

import { newPerson } from '../support/browser.ts';
import { drop, heavyMP4, ordinaryFiles } from '../support/files.ts';
import { play, playerState, start } from '../support/player.ts';
import { expect, signIn, test } from '../support/test.ts';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

test('files of many kinds dropped at once play, or say in words why not', async ({
  api,
  ownersPage: page,
}) => {
  const { mov, mkv, mp3 } = ordinaryFiles();
  const files = [mov, mkv, mp3].map((file) => ({
    name: path.basename(file),
    bytes: readFileSync(file),
  }));
  const letter = Buffer.from('Dear reader, this is not a video.\n'.repeat(500));
  await page.goto('/');
  await expect(page.getByRole('heading', { name: /^Show it once/ })).toBeVisible();
  await drop(page, [
    ...files,
    { name: 'letter.txt', bytes: letter },
    { name: 'lies.mp4', bytes: letter },
  ]);
  const panel = page.getByRole('region', { name: 'Uploads' });
  const row = (name: string) => panel.getByRole('listitem').filter({ hasText: name });
  await expect(row('letter.txt').getByRole('alert')).toContainText('does not look like video');
  for (const name of ['phone.mov', 'stream.mkv', 'voice.mp3', 'lies.mp4']) {
    await expect(row(name)).toContainText('Uploaded');
    await expect(row(name).getByRole('link', { name: 'Open' })).toBeVisible();
  }

  const lies = page.getByRole('article', { name: 'lies', exact: true });
  await expect(lies).toContainText('Failed');
  await expect(lies).toContainText(/\S+ \S+ \S+.*\./);
  const videos = await api.videos();
  expect(videos.map((video) => video.title).sort()).toEqual(['lies', 'phone', 'stream', 'voice']);
  for (const { slug, title } of videos.filter(({ title }) => title !== 'lies')) {
    await page.goto(`/v/${slug}`);
    const ready = async () => (await playerState(page)).duration;
    await expect.poll(ready).toBeGreaterThan(4.5);
    if (title === 'voice') {
      await start(page);
      await expect.poll(async () => (await playerState(page)).audioBytes).toBeGreaterThan(0);
    } else await play(page);
  }
});

test('an upload is paused, left by a reload, and goes on with the same file', async ({
  api,
  chrome,
  line,
  folder,
}) => {
  const file = heavyMP4(folder, 'big.mp4', 24 << 20);
  const context = await newPerson(chrome, line.url);
  await signIn(context);
  const page = await context.newPage();
  await page.goto('/');
  // The first eight MB are quick, the rest has a minute: it must not be over before somebody presses Pause.
  await page.route('**/api/uploads/*', async (route) => {
    if (Number(route.request().headers()['upload-offset']) > 0) line.slowDown(256 << 10);
    await route.continue();
  });
  await page.getByLabel('Video files').first().setInputFiles(file);
  const row = page.getByRole('region', { name: 'Uploads' }).getByRole('listitem');
  const progress = row.getByRole('progressbar');
  const share = async () => Number(await progress.getAttribute('aria-valuenow'));
  await expect.poll(share).toBeGreaterThan(0);
  await row.getByRole('button', { name: 'Pause big.mp4' }).click();
  await expect(row).toContainText('Paused at');
  await page.unrouteAll({ behavior: 'ignoreErrors' });
  line.slowDown(Infinity);

  await page.reload();
  await expect(row).toContainText('Interrupted');
  const [video] = await api.videos();
  const { id = '', upload_url: upload = '' } = video ?? {};
  await expect.poll(() => api.offset(upload)).toBeGreaterThanOrEqual(8 << 20);
  const kept = await api.offset(upload);
  const again = row.getByLabel('Choose big.mp4 again', { exact: true });
  await again.setInputFiles({ name: 'big.mp4', mimeType: 'video/mp4', buffer: Buffer.alloc(9) });
  await expect(row).toContainText('That is another file');

  const patched: number[] = [];
  page.on('request', (request) => {
    if (request.method() === 'PATCH') patched.push(Number(request.headers()['upload-offset']));
  });
  await again.setInputFiles(file);
  await expect(row).toContainText('Uploaded');
  expect(Math.min(...patched)).toBeGreaterThanOrEqual(kept);

  expect(await api.videos()).toHaveLength(1);
  const { download } = (await api.becomes(id, 'ready')).playback;
  const source = await api.request('GET', download?.replace(/[^/]+$/, 'source') ?? '');
  expect(source.status).toBe(200);
  expect(sha256(new Uint8Array(await source.arrayBuffer()))).toBe(sha256(readFileSync(file)));
});
