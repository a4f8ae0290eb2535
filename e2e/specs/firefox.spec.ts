import { readFileSync } from 'node:fs';

import type { Browser } from 'puppeteer-core';

import { made } from '../support/clips.ts';
import { launchFirefox, openInFirefox, watchInFirefox } from '../support/firefox.ts';
import { fragmentedMP4 } from '../support/hostile.ts';
import { owner } from '../support/server.ts';
import { expect, test } from '../support/test.ts';

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
      await signInBy(browser, server.url);
      for (const stage of ['at once', 'when ready']) {
        for (const video of await api.videos()) {
          if (stage === 'when ready') {
            await api.becomes(video.id, 'ready');
          }
          const page = await openInFirefox(browser, `${server.url}/v/${video.slug}`);
          const seen = await watchInFirefox(page, 3);
          await page.close();
          expect(seen.width, `${video.title} ${stage}`).toBeGreaterThan(0);
        }
      }
    } finally {
      await browser.close();
    }
  });

  test('records WebM that plays', async ({ server, api }) => {
    const browser = await launchFirefox();
    try {
      await signInBy(browser, server.url);
      const page = await openInFirefox(browser, `${server.url}/record`);
      await page.locator('::-p-xpath(//button[contains(., "Just you")])').click();
      await page.locator('::-p-xpath(//button[contains(., "Start recording")])').click();
      await page.waitForFunction(() => {
        const saved = document.querySelector('[data-testid=saved]')?.textContent ?? '';
        const [, minutes = 0, seconds = 0] = /(\d+):(\d\d)/.exec(saved) ?? [];
        return Number(minutes) * 60 + Number(seconds) >= 6;
      });
      await page.locator('::-p-xpath(//button[contains(., "Stop")])').click();
      await page.waitForFunction(() => location.pathname.startsWith('/v/'));
      await watchInFirefox(page, 2);
      await expect.poll(async () => (await api.videos())[0]?.duration_ms).toBeGreaterThan(5_000);
    } finally {
      await browser.close();
    }
  });
});

async function signInBy(browser: Browser, url: string): Promise<void> {
  const page = await openInFirefox(browser, `${url}/sign-in`);
  await page.locator('input[type=email]').fill(owner.email);
  await page.locator('input[type=password]').fill(owner.password);
  await page.locator('button[type=submit]').click();
  await page.waitForFunction(() => location.pathname === '/');
  await page.close();
}
