import { readFileSync } from 'node:fs';

import type { Locator, Page } from '@playwright/test';

import type { Client, Video } from '../support/api.ts';
import { launch } from '../support/browser.ts';
import { calm } from '../support/calm.ts';
import { made } from '../support/clips.ts';
import { fragmentedMP4 } from '../support/hostile.ts';
import { complaints, expectAccessible, expectFits } from '../support/look.ts';
import { play, playerState, seek } from '../support/player.ts';
import { owner } from '../support/server.ts';
import { expect, test } from '../support/test.ts';

const longWord = 'Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft';

/** Fills the library: a video with comments, one that still records, one that failed. */
async function furnish(api: Client): Promise<Video> {
  await api.upload(Buffer.from('This is not a video. '.repeat(999)), 'broken.mp4', 'video/mp4');
  await api.create(`Live ${longWord}`, 'video/mp4');
  await api.upload(fragmentedMP4(), 'talk.mp4', 'video/mp4');
  const [video] = await api.videos();
  if (!video) throw new Error('the upload made no video');
  const comments = `/api/videos/${video.id}/comments`;
  const first = await api.json<{ id: string }>('POST', comments, { at_ms: 3000, body: longWord });
  await api.json('POST', comments, { at_ms: 3000, body: 'An answer', parent_id: first.id });
  await api.json('POST', comments, { at_ms: 9000, body: 'See https://example.org/x' });
  await api.json('POST', '/api/tokens', { name: 'A token', scope: 'read' });
  await api.json('POST', '/api/invitations', { email: 'new@example.org' });
  await api.becomes(video.id, 'ready');
  return video;
}

/** Where each page is, and what shows that it is all there. */
const pages = (page: Page, video: Video): [string, Locator][] => [
  ['/', page.getByRole('article', { name: 'talk.mp4' }).locator('img')],
  ['/?show=trash', page.getByRole('heading', { name: 'The trash is empty' })],
  ['/record', page.getByRole('button', { name: /^Screen \+ camera/ })],
  ['/settings', page.getByText('new@example.org', { exact: true })],
  [`/v/${video.slug}`, page.getByText('An answer')],
  ['/v/nothing-here', page.getByRole('heading').first()],
  ['/api/docs', page.getByText('/api/videos', { exact: true }).first()],
];

for (const scheme of ['light', 'dark'] as const) {
  test(`every page in the ${scheme}: for everybody, on a phone, without complaints`, async ({
    api,
    ownersPage: page,
    chrome,
    server,
  }) => {
    const video = await furnish(api);
    const look = { colorScheme: scheme, reducedMotion: 'reduce' } as const;
    await page.emulateMedia(look);
    const found = complaints(page);
    for (const [path, sign] of pages(page, video)) {
      await page.goto(path);
      await expect(sign).toBeVisible();
      await expectAccessible(page);
      await expectFits(page);
    }
    await page.goto('/');
    await page.getByRole('button', { name: 'Actions for talk.mp4' }).click();
    await expect(page.getByRole('menu')).toBeVisible();
    await expectAccessible(page);
    await page.goto(`/v/${video.slug}?t=3`);
    await expect(page.getByText('An answer')).toBeVisible();
    await page.keyboard.press('?');
    await expect(page.getByRole('dialog')).toBeVisible();
    await expectAccessible(page);

    const outside = await (await chrome.newContext({ baseURL: server.url, ...look })).newPage();
    found.push(...complaints(outside));
    await outside.goto('/sign-in');
    await expect(outside.getByRole('button', { name: 'Sign in' })).toBeVisible();
    await expectAccessible(outside);
    await expectFits(outside);
    expect(found.filter((line) => !/nothing-here: .*404/.test(line))).toEqual([]);
  });
}

test('the watch page by keyboard alone', async ({ api, ownersPage: page }) => {
  await api.upload(fragmentedMP4(), 'keys.mp4', 'video/mp4');
  const [video] = await api.videos();
  await api.becomes(video?.id ?? '', 'ready'); // else renditions bring an element of their own
  await page.goto(`/v/${video?.slug}`);
  await expect(page.getByRole('heading', { name: /^Comments/ })).toBeVisible();
  await expect.poll(async () => (await playerState(page)).duration).toBeGreaterThan(11);
  const element = page.locator('video');
  // so that it is not over before the next key
  await element.evaluate((video: HTMLVideoElement) => (video.loop = true));
  const paused = async () => (await playerState(page)).paused;
  const second = async () => Math.round((await playerState(page)).time);
  const press = (key: string) => page.keyboard.press(key);

  await press(' ');
  await expect.poll(paused).toBe(false);
  await press(' ');
  await expect.poll(paused).toBe(true);
  await press('0');
  await expect.poll(second).toBe(0);
  await press('ArrowRight');
  await expect.poll(second).toBe(5);
  await press('ArrowRight');
  await expect.poll(second).toBe(10);
  await press('ArrowLeft');
  await expect.poll(second).toBe(5);

  const muted = () => element.evaluate((video: HTMLVideoElement) => video.muted);
  const before = await muted();
  await press('m');
  await expect.poll(muted).toBe(!before);
  await element.evaluate((video: HTMLVideoElement) => {
    video.addTextTrack('captions', 'English', 'en');
  });
  const captions = () => element.evaluate((video: HTMLVideoElement) => video.textTracks[0]?.mode);
  await press('c');
  await expect.poll(captions).toBe('showing');
  await press('c');
  await expect.poll(captions).not.toBe('showing');
  const full = () => page.evaluate(() => document.fullscreenElement !== null);
  await press('f');
  await expect.poll(full).toBe(true);
  await press('f');
  await expect.poll(full).toBe(false);
  await press('?');
  await expect(page.getByRole('dialog', { name: 'Keyboard' })).toBeVisible();
  await press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);

  const box = page.getByRole('textbox', { name: /^Comment at/ });
  const focused = () => box.evaluate((area) => area === document.activeElement);
  for (let stop = 0; stop < 40 && !(await focused()); stop++) await press('Tab');
  await expect(box).toBeFocused();
  await page.keyboard.type('Space m f c ? are only letters here');
  expect(await full()).toBe(false);
  expect(await second()).toBe(5);
  await press('Control+Enter');
  const item = page.locator('[id^="c-"]').filter({ hasText: 'only letters here' });
  await expect(item).toContainText('0:05');
  await expect(box).toHaveValue('');
});

test('the documentation lists every operation and opens one', async ({ api, ownersPage: page }) => {
  const { paths } = await api.json<{ paths: Record<string, object> }>('GET', '/api/openapi.json');
  const operations = Object.values(paths).flatMap(Object.keys);
  await page.goto('/api/docs');
  await expect(page.locator('details')).toHaveCount(operations.length);
  await page.locator('summary', { hasText: 'PATCH' }).first().click();
  await expect(page.locator('details[open]')).toContainText('Answer 200');
});

test('an insecure address says why it cannot record and what to do, and all else works', async ({
  server,
}) => {
  const browser = await launch('--host-resolver-rules=MAP video.test 127.0.0.1');
  const { port } = new URL(server.url);
  const context = await browser.newContext({ baseURL: `http://video.test:${port}` });
  const page = await calm(await context.newPage());
  const found = complaints(page);
  await page.goto('/sign-in');
  await page.getByLabel('E-mail').fill(owner.email);
  await page.getByLabel('Password', { exact: true }).fill(owner.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('heading', { name: /^Show it once/ })).toBeVisible();
  await page.getByRole('link', { name: 'Make the first recording' }).click();
  await expect(page.getByRole('heading', { name: /not secure/ })).toBeVisible();
  expect(await page.evaluate(() => isSecureContext)).toBe(false);
  await expect(page.getByText(`opened at http://video.test:${port}`)).toBeVisible();
  await expect(page.getByText(`open http://localhost:${port} instead`)).toBeVisible();
  await expect(page.getByText('MEANWHILE_BASE_URL')).toBeVisible();
  await expectAccessible(page);
  await expectFits(page);
  await page.getByRole('link', { name: 'Back to the library' }).click();
  await page.getByLabel('Video files').first().setInputFiles({
    name: 'plain.mp4',
    mimeType: 'video/mp4',
    buffer: fragmentedMP4(),
  });
  await page.getByRole('link', { name: 'Open', exact: true }).click();
  await play(page);
  await page.getByRole('button', { name: 'Copy link' }).click();
  await expect(page.getByText('Link copied')).toBeVisible();
  // Chromium's note on a header that only counts at secure addresses is none of ours.
  expect(found.filter((line) => !line.includes('Cross-Origin-Opener-Policy'))).toEqual([]);
  await browser.close();
});

/** A minute worth several rungs: what is chosen near the end of a video has nothing left to show. */
const minute = () =>
  readFileSync(
    made(
      'minute.mp4',
      ...['-f', 'lavfi', '-i', 'testsrc2=s=1280x720:r=10:d=60', '-f', 'lavfi', '-i', 'sine=d=60'],
      ...['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '20', '-pix_fmt', 'yuv420p'],
      ...['-c:a', 'aac', '-movflags', 'frag_keyframe+empty_moov+default_base_moof'],
    ),
  );

test('another quality keeps the place, the page, and what is done meanwhile', async ({
  api,
  ownersPage: page,
}) => {
  await api.upload(minute(), 'minute.mp4', 'video/mp4');
  const [video] = await api.videos();
  await api.becomes(video?.id ?? '', 'ready');
  await page.goto(`/v/${video?.slug}`);
  await page.evaluate(() => (document.body.dataset.kept = 'yes'));
  await play(page);
  const element = page.locator('video');
  await element.evaluate((video: HTMLVideoElement) => video.pause());
  const quality = page.getByRole('button', { name: 'Quality' });
  const choice = (name: string) => page.getByRole('menuitemradio', { name, exact: true });
  await quality.click();
  await expect(choice('720p')).toBeVisible(); // Auto is there before the others are known
  const names = await page.getByRole('menuitemradio').allTextContents();
  await page.keyboard.press('Escape');
  const rungs = names.filter((name) => /^\d+p$/.test(name));
  expect(rungs).toContain('720p');
  expect(rungs.length).toBeGreaterThan(1);

  for (const rung of [rungs.at(-1) ?? '', '720p']) {
    await seek(page, 4);
    await element.evaluate((video: HTMLVideoElement) => video.play());
    const then = Date.now(); // before the place is read: it moves on while anybody stands still
    const from = (await playerState(page)).time;
    await quality.click();
    await choice(rung).click();
    await expect(async () => {
      await expect(element).toHaveCount(1, { timeout: 1 }); // a swap needs two for a moment
      expect((await playerState(page)).height).toBe(parseInt(rung));
    }).toPass();
    const passed = (await playerState(page)).time - from;
    expect(passed).toBeGreaterThanOrEqual(0);
    expect(passed - (Date.now() - then) / 1000).toBeLessThan(1);
    await element.evaluate((video: HTMLVideoElement) => video.pause());
    expect((await playerState(page)).error).toBe('');
  }
  expect(await page.evaluate(() => document.body.dataset.kept)).toBe('yes');

  // The element that takes over is asked to play a last time: when it plays behind the other, or after four tries to.
  // It is slow to do that.
  await page.evaluate(() => {
    const hurried = HTMLMediaElement.prototype.play;
    const asked = new Map<HTMLMediaElement, number>();
    HTMLMediaElement.prototype.play = async function () {
      const before = asked.get(this) ?? 0;
      asked.set(this, before + 1);
      const last = !this.paused || before === 4;
      await hurried.call(this);
      if (!last || !('standby' in this.dataset)) return;
      document.body.dataset.held = 'yes';
      await new Promise((resolve) => document.body.addEventListener('go', resolve));
    };
  });
  await play(page);
  await quality.click();
  await choice('Original').click();
  await expect(page.locator('body[data-held]')).toBeAttached();
  const front = page.locator('video:not([data-standby])');
  await front.evaluate((video: HTMLVideoElement) => {
    video.pause();
    video.currentTime = 40;
    video.volume = 0.3;
  });
  await page.evaluate(() => document.body.dispatchEvent(new Event('go')));
  await expect(element).toHaveCount(1);
  const after = await playerState(page);
  expect(after).toMatchObject({ height: 720, paused: true });
  expect(after.time).toBeCloseTo(40, 0);
  expect(await element.evaluate((video: HTMLVideoElement) => video.volume)).toBe(0.3);
});
