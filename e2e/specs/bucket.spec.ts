import { readFileSync } from 'node:fs';

import type { Page, Request } from '@playwright/test';

import type { Client, Video } from '../support/api.ts';
import { Bucket } from '../support/bucket.ts';
import { made } from '../support/clips.ts';
import { countedMP4 } from '../support/counter.ts';
import { launchFirefox, watchInFirefox } from '../support/firefox.ts';
import { play, playerState, seek } from '../support/player.ts';
import { savedSeconds, startRecording, stopRecording, waitForSaved } from '../support/recording.ts';
import { Site } from '../support/site.ts';
import { expect, test as base } from '../support/test.ts';

/** Media in S3: players fetch it there themselves, or through the server. */
const test = base.extend<{ bucket: Bucket; delivery: string }>({
  delivery: ['redirect', { option: true }],
  bucket: async ({ folder }, use) => {
    const bucket = await Bucket.open(folder);
    await use(bucket);
    await bucket.kill9();
  },
  environment: async ({ bucket, delivery }, use) => {
    await use({ ...bucket.environment, MEANWHILE_OBJECTS_DELIVERY: delivery });
  },
});

/** Uploads a clip that anyone with the link may watch and waits until its ladder is there. */
async function tour(api: Client): Promise<Video> {
  // what browsers cannot play as it is plays from the ladder alone
  const file = made('tour-45.mkv', '-i', countedMP4(45), '-c', 'copy');
  await api.upload(readFileSync(file), 'tour.mkv', 'video/x-matroska');
  const [video] = await api.videos();
  const id = video?.id ?? '';
  await api.json('PATCH', `/api/videos/${id}`, { visibility: 'link' });
  await api.becomes(id, 'ready');
  return api.video(id);
}

/** The requests of a page that go to the bucket. */
function fromBucket(page: Page, bucket: Bucket): Request[] {
  const seen: Request[] = [];
  page.on('requestfinished', (request) => {
    if (request.url().startsWith(bucket.origin)) seen.push(request);
  });
  return seen;
}

const isSegment = (request: Request) => request.url().includes('/ladder/');

test('players fetch segments and pictures from the bucket', async ({ bucket, api, chrome }) => {
  const video = await tour(api);
  const page = await (await chrome.newContext()).newPage();
  const seen = fromBucket(page, bucket);
  await page.goto(video.watch_url);
  await play(page);
  await seek(page, 30);
  await play(page);
  await expect.poll(async () => (await playerState(page)).duration).toBeGreaterThan(44);
  await expect.poll(() => seen.filter(isSegment).length).toBeGreaterThan(1);
  for (const request of seen.filter(isSegment)) {
    const answer = await request.response();
    expect(answer?.status(), 'one range of an object').toBe(206);
    expect(Number(new URL(request.url()).searchParams.get('X-Amz-Expires'))).toBeLessThan(301);
    expect(request.redirectedFrom()?.url(), 'the gate has sent it').toContain('/media/');
    expect(await request.headerValue('cookie'), 'nothing of ours goes there').toBeNull();
  }
  const poster = await page.evaluate(async (address) => {
    const picture = new Image();
    picture.src = address;
    await picture.decode();
    return picture.naturalWidth;
  }, video.playback.poster ?? '');
  expect(poster).toBeGreaterThan(100);
  const pictures = () => seen.filter((request) => request.url().includes('/still/')).length;
  await expect.poll(pictures).toBeGreaterThan(0);

  // What the bucket has lost is said, though the server does not see what the bucket answers.
  bucket.lose(`v/${video.id}/ladder`);
  const other = await (await chrome.newContext()).newPage(); // which has kept nothing of it
  await other.goto(video.watch_url);
  await other.getByRole('button', { name: 'Play video' }).click();
  await expect(other.getByRole('alert')).toContainText('missing on the server');
  const missing = () => api.json<{ total: number }>('GET', '/api/admin/missing');
  await expect.poll(async () => (await missing()).total).toBe(1);
});

test('an embedded player fetches from the bucket, too', async ({ bucket, api, chrome }) => {
  const video = await tour(api);
  const site = await Site.open();
  await api.json('PUT', '/api/workspace/embed-origins', { origins: [site.origin] });
  const page = await (await chrome.newContext()).newPage();
  const seen = fromBucket(page, bucket);
  const address = video.watch_url.replace('/v/', '/embed/');
  await page.goto(
    site.show('/', `<iframe width=640 height=360 allow="autoplay" src="${address}"></iframe>`),
  );
  const player = page.frameLocator('iframe').locator('video');
  // a source that is attached later would end a play() that was asked for before
  await expect
    .poll(() => player.evaluate((it: HTMLVideoElement) => it.readyState))
    .toBeGreaterThan(0);
  await player.evaluate((it: HTMLVideoElement) => {
    it.muted = true;
    return it.play();
  });
  await expect
    .poll(() => player.evaluate((it: HTMLVideoElement) => it.currentTime))
    .toBeGreaterThan(1);
  await expect.poll(() => seen.filter(isSegment).length).toBeGreaterThan(0);
  site.close();
});

test('Firefox follows to the bucket, too', async ({ bucket, api }) => {
  const video = await tour(api);
  const browser = await launchFirefox();
  try {
    const page = await browser.newPage();
    const seen: string[] = [];
    page.on('response', (answer) => seen.push(`${answer.status()} ${answer.url()}`));
    await page.goto(video.watch_url);
    await watchInFirefox(page, 0);
    const ranges = () => seen.filter((it) => it.startsWith(`206 ${bucket.origin}`)).length;
    await expect.poll(ranges).toBeGreaterThan(0);
  } finally {
    await browser.close();
  }
});

test('the bucket is away for 20 seconds: recording goes on, and all of it is kept', async ({
  bucket,
  owners,
  api,
}) => {
  const page = await owners.newPage();
  await startRecording(page, 'Camera', 'auto');
  await waitForSaved(page, 4);
  await bucket.kill9();
  await expect(page.getByTestId('saved').first()).toContainText('kept here');
  const away = await savedSeconds(page);
  await page.waitForTimeout(20_000); // the outage itself
  expect(await savedSeconds(page)).toBeLessThan(away + 3);
  await bucket.start();
  await waitForSaved(page, away + 22);
  const slug = await stopRecording(page);
  await expect
    .poll(async () => (await api.videoOf(slug)).duration_ms)
    .toBeGreaterThan((away + 20) * 1000);
  await play(page);
});

test.describe('through the server', () => {
  test.use({ delivery: 'server' });

  test('a bucket that is not public is never seen', async ({ bucket, api, chrome }) => {
    const video = await tour(api);
    const page = await (await chrome.newContext()).newPage();
    const all: string[] = [];
    page.on('request', (request) => all.push(request.url()));
    await page.goto(video.watch_url);
    await play(page);
    await seek(page, 30);
    await play(page);
    expect(all.filter((address) => address.startsWith(bucket.origin))).toEqual([]);
    expect(all.some((address) => /\/media\/.*\/ladder\//.test(address))).toBe(true);
  });
});
