import { readFileSync } from 'node:fs';

import type { Page } from 'puppeteer-core';

import { made } from '../support/clips.ts';
import { launchFirefox } from '../support/firefox.ts';
import { fragmentedMP4 } from '../support/hostile.ts';
import { owner } from '../support/server.ts';
import { expect, test } from '../support/test.ts';

/** Plays a video in Firefox for a second or two. */
function watch(page: Page, at: number): Promise<{ time: number; frames: number; width: number }> {
  return page.evaluate(async (start) => {
    const video = document.querySelector('video');
    if (!video) throw new Error('no <video> on the page');
    video.muted = true;
    video.currentTime = start;
    await video.play();
    const enough = () => video.currentTime > start + 1;
    while (!enough()) await new Promise((resolve) => setTimeout(resolve, 50));
    const { totalVideoFrames: frames } = video.getVideoPlaybackQuality();
    return { time: video.currentTime, frames, width: video.videoWidth };
  }, at);
}

test.describe('Firefox ESR', () => {
  test('plays what others recorded, from the source and from the renditions', async ({
    server,
    api,
  }) => {
    await api.upload(fragmentedMP4(), 'clip.mp4', 'video/mp4');
    const webm = made(
      'clip.webm',
      ...['-f', 'lavfi', '-i', 'testsrc2=s=320x180:r=25:d=8', '-f', 'lavfi', '-i', 'sine=d=8'],
      ...['-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8', '-g', '50'],
      ...['-c:a', 'libopus', '-shortest'],
    );
    await api.upload(readFileSync(webm), 'clip.webm', 'video/webm');
    const browser = await launchFirefox();
    try {
      const page = await browser.newPage();
      await signInBy(page, server.url);
      for (const stage of ['at once', 'when ready']) {
        for (const video of await api.videos()) {
          if (stage === 'when ready') {
            await api.becomes(video.id, 'ready');
          }
          await page.goto(`${server.url}/v/${video.slug}`);
          const seen = await watch(page, 3);
          expect(seen.frames, `${video.title} ${stage}`).toBeGreaterThan(5);
          expect(seen.width).toBeGreaterThan(0);
        }
      }
    } finally {
      await browser.close();
    }
  });

  test('records WebM that plays', async ({ server, api }) => {
    const browser = await launchFirefox();
    try {
      const page = await browser.newPage();
      await signInBy(page, server.url);
      await page.goto(`${server.url}/record`);
      await page.locator('::-p-xpath(//button[contains(., "Just you")])').click();
      await page.locator('::-p-xpath(//button[contains(., "Start recording")])').click();
      await page.locator('::-p-xpath(//button[contains(., "Start now")])').click();
      await page.waitForFunction(
        () =>
          /0:(0[6-9]|[1-5]\d)/.test(
            document.querySelector('[data-testid=saved]')?.textContent ?? '',
          ),
        { timeout: 60_000 },
      );
      await page.locator('::-p-xpath(//button[contains(., "Stop")])').click();
      await page.waitForFunction(() => location.pathname.startsWith('/v/'), { timeout: 45_000 });
      const seen = await watch(page, 2);
      expect(seen.frames).toBeGreaterThan(5);
      const [video] = await api.videos();
      expect(video?.duration_ms).toBeGreaterThan(5_000);
    } finally {
      await browser.close();
    }
  });
});

async function signInBy(page: Page, url: string): Promise<void> {
  await page.goto(`${url}/sign-in`);
  await page.locator('input[type=email]').fill(owner.email);
  await page.locator('input[type=password]').fill(owner.password);
  await page.locator('button[type=submit]').click();
  await page.waitForFunction(() => location.pathname === '/');
}
