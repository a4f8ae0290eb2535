import { writeFileSync } from 'node:fs';
import path from 'node:path';

import type { BrowserContext, Page } from '@playwright/test';

import { openSharedTab } from '../support/browser.ts';
import { loudness, probe } from '../support/media.ts';
import { expectOtherPicture } from '../support/pictures.ts';
import { pause, play, playerState, seek } from '../support/player.ts';
import { type Mode, savedSeconds, stopRecording, waitForSaved } from '../support/recording.ts';
import { Relay } from '../support/relay.ts';
import { expect, test } from '../support/test.ts';

const cards: Record<Mode, RegExp> = {
  Screen: /^Screen A tab/,
  'Screen + camera': /^Screen \+ camera/,
  Camera: /^Camera/,
};

/** Chooses to send live, as a person does. */
async function chooseLive(page: Page): Promise<void> {
  await page.goto('/record');
  await page.getByText('Options', { exact: true }).click();
  await page.getByRole('switch', { name: /^Send live/ }).click();
}

async function begin(page: Page, mode: Mode): Promise<void> {
  await page.getByRole('button', { name: cards[mode] }).click();
  await page.getByRole('button', { name: 'Start recording' }).click();
}

/** A first connection has six seconds; where the machine may stand still for as long, a page is given more. */
async function patient(owners: BrowserContext): Promise<void> {
  await owners.addInitScript(() => {
    const usual = setTimeout;
    window.setTimeout = ((act: () => void, ms = 0, ...given: unknown[]) =>
      usual(act, ms === 6_000 ? 30_000 : ms, ...given)) as typeof setTimeout;
  });
}

/** Keeps the countdown where it is from now on, for as long as anybody takes. */
async function holdTime(page: Page): Promise<void> {
  await page.clock.pauseAt((await page.evaluate(() => Date.now())) + 1_000);
}

async function recordLive(owners: BrowserContext, mode: Mode): Promise<Page> {
  await patient(owners);
  if (mode !== 'Camera') await openSharedTab(owners);
  const page = await owners.newPage();
  await chooseLive(page);
  await begin(page, mode);
  await expect(page.getByRole('button', { name: 'Stop' })).toBeVisible();
  await expect(page.getByText(/^Sent live/)).toBeVisible();
  return page;
}

/** The seconds that the page has counted. */
async function timer(page: Page): Promise<number> {
  const shown = /(\d+):(\d\d)/.exec((await page.getByRole('timer').textContent()) ?? '');
  return Number(shown?.[1]) * 60 + Number(shown?.[2]);
}

for (const mode of Object.keys(cards) as Mode[]) {
  test(`${mode}, sent live: stop, and it plays in another window`, async ({
    owners,
    api,
    members,
    folder,
  }) => {
    const page = await recordLive(owners, mode);
    await waitForSaved(page, 8);
    const [saved, shown, at] = [await savedSeconds(page), await timer(page), Date.now()];
    const slug = await stopRecording(page);
    const since = (Date.now() - at) / 1000;

    const viewer = await members.newPage();
    await viewer.goto(`/v/${slug}`);
    await play(viewer);
    const state = await playerState(viewer);
    expect(state.width).toBeGreaterThan(300);
    expect(state.duration).toBeGreaterThan(saved - 1);
    expect(state.duration).toBeLessThan(shown + since + 5);
    await pause(viewer);
    await expectOtherPicture(viewer, 2);

    // the server has H.264 with the microphone's tone, and the browser has nothing
    const video = await api.videoOf(slug);
    const media = (video.playback.hls ?? video.playback.progressive ?? '').split('?')[0] ?? '';
    const source = await api.request('GET', media.replace(/[^/]+$/, 'source'));
    const file = path.join(folder, 'source.mp4');
    writeFileSync(file, Buffer.from(await source.arrayBuffer()));
    const found = probe(file);
    expect(found.video?.codec).toBe('h264');
    expect(found.video?.frames).toBeGreaterThan(40);
    expect(loudness(file, 440)).toBeGreaterThan(-45);
    expect(loudness(file, 440)).toBeGreaterThan(loudness(file, 1000) + 10);
    await page.goto('/');
    await expect(page.getByText('A recording was interrupted')).toBeHidden();
    // whatever sizes the encoder went through, it gets its renditions
    await api.becomes(video.id, 'ready');
  });
}

test('a pause is no part of the recording', async ({ owners, api }) => {
  const page = await recordLive(owners, 'Camera');
  await waitForSaved(page, 4);
  await page.getByRole('button', { name: 'Pause' }).click();
  await expect(page.getByText(/^Paused: nothing is sent/)).toBeVisible();
  await page.waitForTimeout(33_000); // longer than the silence after which the server would end a session
  const before = await savedSeconds(page);
  await page.getByRole('button', { name: 'Resume' }).click();
  await waitForSaved(page, before + 4);
  const [saved, shown, at] = [await savedSeconds(page), await timer(page), Date.now()];
  const slug = await stopRecording(page);
  const since = (Date.now() - at) / 1000;
  const { duration_ms: length } = await api.videoOf(slug);
  expect(length / 1000).toBeGreaterThan(saved - 1.5);
  // what stands still in the middle of pausing goes on sending; the pause itself would be half a minute
  expect(length / 1000).toBeLessThan(shown + since + 15);
});

test('thrown away in the middle, and in the countdown', async ({ owners, api }) => {
  await owners.clock.install();
  const page = await recordLive(owners, 'Camera');
  await waitForSaved(page, 2);
  await page.getByRole('button', { name: 'Throw this recording away' }).click();
  await page.getByRole('button', { name: 'Throw away' }).click();
  await expect(page.getByText('What would you like to record?')).toBeVisible();
  await expect.poll(async () => (await api.videos()).length).toBe(0);

  await page.getByRole('button', { name: cards.Camera }).click();
  await expect(page.getByRole('button', { name: 'Start recording' })).toBeEnabled();
  await holdTime(page);
  await page.getByRole('button', { name: 'Start recording' }).click();
  await expect.poll(async () => (await api.videos()).length).toBe(1); // connected meanwhile
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.clock.resume();
  await expect(page.getByRole('button', { name: 'Start recording' })).toBeEnabled();
  await expect.poll(async () => (await api.videos()).length).toBe(0);
});

test('a browser without a recorder sends live by itself, and says so', async ({ owners, api }) => {
  await patient(owners);
  await owners.addInitScript(() => Reflect.deleteProperty(window, 'MediaRecorder'));
  const page = await owners.newPage();
  await page.goto('/record');
  await expect(page.getByText(/has no recorder of its own/)).toBeVisible();
  await begin(page, 'Camera');
  await waitForSaved(page, 4);
  const slug = await stopRecording(page);
  expect((await api.videoOf(slug)).duration_ms).toBeGreaterThan(3_000);
});

test('leaving the page ends it, and what was sent is a video', async ({ owners, api }) => {
  const page = await recordLive(owners, 'Camera');
  await waitForSaved(page, 4);
  const [video] = await api.videos();
  page.on('dialog', (dialog) => void dialog.accept());
  await page.goto('about:blank');
  // without a word from the page the server would wait for half a minute
  await expect
    .poll(async () => (await api.video(video?.id ?? '')).state, { timeout: 25_000 })
    .not.toBe('recording');
});

test('a recording that the server ends is a video up to there, and the page says so', async ({
  owners,
  api,
}) => {
  const page = await recordLive(owners, 'Camera');
  await waitForSaved(page, 2);
  const [video] = await api.videos();
  await api.json('POST', `/api/videos/${video?.id}/finish`);
  await expect(page.getByText('The recording ended early')).toBeVisible();
  await expect(page.getByText(/What arrived until then is a video/)).toBeVisible();
  await expect(page.getByTestId('link')).toContainText(`/v/${video?.slug}`);
  await expect(page.getByRole('link', { name: 'Open' })).toBeVisible();
});

test('a line that is cut comes back, and the recording goes on', async ({
  owners,
  api,
  members,
}) => {
  const relay = await Relay.open();
  await owners.route('**/api/**', async (route) => {
    if (relay.isCut) return route.abort('internetdisconnected');
    if (!route.request().url().includes('/api/whip')) return route.continue();
    const answer = await route.fetch();
    const body = relay.through(await answer.text());
    await route.fulfill({ response: answer, body });
  });
  const page = await recordLive(owners, 'Camera');
  await waitForSaved(page, 4);
  relay.cut();
  await expect(page.getByText(/The line is broken, and what happens now/)).toBeVisible();
  await expect(page.getByTestId('saved')).toContainText('the line is broken');
  const before = await savedSeconds(page);
  await relay.move();
  relay.mend();
  await expect(page.getByText(/The line is broken/)).toBeHidden();
  await waitForSaved(page, before + 5);
  expect(relay.restarts).toBeGreaterThan(0);
  expect(await api.videos()).toHaveLength(1);
  const slug = await stopRecording(page);

  const viewer = await members.newPage();
  await viewer.goto(`/v/${slug}`);
  await play(viewer);
  // from before the hole to behind it
  await seek(viewer, before - 1);
  await play(viewer);
  await expect.poll(async () => (await playerState(viewer)).time).toBeGreaterThan(before + 3);
  await page.close();
  await relay.close();
});

test.describe('where the server says no', () => {
  test.describe('switched off', () => {
    test.use({ environment: { MEANWHILE_WHIP_ADDR: 'off' } });
    test('it goes the ordinary way', async ({ owners, api }) => {
      const page = await owners.newPage();
      await chooseLive(page);
      await begin(page, 'Camera');
      await expect(page.getByText(/switched off on this server.*ordinary way/)).toBeVisible();
      await waitForSaved(page, 4);
      const slug = await stopRecording(page);
      expect((await api.videoOf(slug)).duration_ms).toBeGreaterThan(3_000);
    });

    test('and where there is no other way, nothing begins', async ({ owners }) => {
      await owners.addInitScript(() => Reflect.deleteProperty(window, 'MediaRecorder'));
      const page = await owners.newPage();
      await page.goto('/record');
      await begin(page, 'Camera');
      await expect(page.getByText(/switched off on this server.*nothing can be/)).toBeVisible();
      await expect(page.getByText('What would you like to record?')).toBeVisible();
    });
  });

  test.describe('a port nobody reaches', () => {
    // an address of documentation (RFC 5737): nothing ever answers there
    test.use({ environment: { MEANWHILE_WHIP_PUBLIC_IPS: '192.0.2.1' } });
    test('it goes the ordinary way', async ({ owners, api }) => {
      await owners.clock.install();
      const page = await owners.newPage();
      await chooseLive(page);
      await page.getByRole('button', { name: cards.Camera }).click();
      await expect(page.getByRole('button', { name: 'Start recording' })).toBeEnabled();
      await holdTime(page);
      await page.getByRole('button', { name: 'Start recording' }).click();
      await page.clock.runFor(4_000); // the countdown is over, and the time to connect is not
      await expect(page.getByText('Connecting…')).toBeVisible();
      await page.clock.resume();
      await expect(page.getByText(/port for live recordings cannot be reached/)).toBeVisible();
      await waitForSaved(page, 4);
      const slug = await stopRecording(page);
      expect((await api.videoOf(slug)).duration_ms).toBeGreaterThan(3_000);
    });
  });

  test.describe('one at a time', () => {
    test.use({ environment: { MEANWHILE_WHIP_SESSIONS_EACH: '1' } });
    test('the second goes the ordinary way', async ({ owners }) => {
      const first = await recordLive(owners, 'Camera');
      await waitForSaved(first, 2);
      const second = await owners.newPage();
      await second.goto('/record'); // it has remembered the choice
      await begin(second, 'Camera');
      await expect(second.getByText(/Too many of your recordings.*ordinary way/)).toBeVisible();
      await waitForSaved(second, 3);
    });
  });
});
