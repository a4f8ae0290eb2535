import { readlinkSync, readdirSync, readFileSync } from 'node:fs';

import type { BrowserContext } from '@playwright/test';

import { launchProfile, newPerson, newProfile } from '../support/browser.ts';
import { play, playerState } from '../support/player.ts';
import { savedSeconds, startRecording, stopRecording, waitForSaved } from '../support/recording.ts';
import { expect, signIn, test } from '../support/test.ts';

/**
 * Counts the bytes that the browser's recorder gives out in a window's pages. The server must have them all; how many
 * seconds they are worth depends on when the devices began and on how long the machine stood still.
 */
async function countRecorded(window: BrowserContext): Promise<() => number> {
  let sum = 0;
  await window.exposeBinding('__recorded', (_, bytes: number) => {
    sum += bytes;
  });
  await window.addInitScript(() => {
    const told = globalThis as unknown as { __recorded: (bytes: number) => Promise<void> };
    globalThis.MediaRecorder = class extends MediaRecorder {
      constructor(stream: MediaStream, options?: MediaRecorderOptions) {
        super(stream, options);
        this.addEventListener('dataavailable', ({ data }) => void told.__recorded(data.size));
      }
    };
  });
  return () => sum;
}

test('the line is cut for 20 seconds: recording goes on, the upload catches up', async ({
  chrome,
  line,
  api,
}) => {
  const context = await newPerson(chrome, line.url);
  await signIn(context);
  const recorded = await countRecorded(context);
  const page = await context.newPage();
  await startRecording(page, 'Camera', 'auto');
  await waitForSaved(page, 4);
  line.cut();
  await expect(page.getByTestId('saved').first()).toContainText('kept here');
  const [cut, before] = [await savedSeconds(page), recorded()];
  await page.waitForTimeout(20_000); // the outage itself
  expect(await savedSeconds(page)).toBe(cut);
  expect(recorded()).toBeGreaterThan(before);
  line.mend();
  await waitForSaved(page, cut + 22);
  const slug = await stopRecording(page);
  const { size_bytes: kept, duration_ms: length } = await api.videoOf(slug);
  await expect.poll(recorded).toBe(kept);
  expect(length).toBeGreaterThan((cut + 10) * 1000);
});

test('kill -9 of the server in the middle of a recording loses nothing', async ({
  server,
  owners,
  api,
}) => {
  const recorded = await countRecorded(owners);
  const page = await owners.newPage();
  await startRecording(page, 'Camera', 'auto');
  await waitForSaved(page, 4);
  await server.kill9();
  await page.waitForTimeout(4_000); // the time a system's manager takes to notice
  await server.start();
  await waitForSaved(page, 20);
  const slug = await stopRecording(page);
  const { size_bytes: kept, duration_ms: length } = await api.videoOf(slug);
  await expect.poll(recorded).toBe(kept);
  expect(length).toBeGreaterThan(10_000);
  await play(page);
  expect((await playerState(page)).duration).toBeGreaterThan(10);
});

test('the browser is killed in the middle of a recording, which is finished with one click', async ({
  server,
  api,
}) => {
  const profile = newProfile();
  const first = await launchProfile(profile, server.url);
  await signIn(first);
  const page = await first.newPage();
  await startRecording(page, 'Camera', 'auto');
  await waitForSaved(page, 12);
  await expect.poll(() => killBrowser(profile)).toBe(0);
  const [video] = await api.videos();
  expect(video?.state).toBe('recording');
  const kept = await api.offset(video?.upload_url ?? '');
  expect(kept).toBeGreaterThan(0);

  const second = await launchProfile(profile, server.url);
  await signIn(second);
  const again = await second.newPage();
  await again.goto('/record');
  const offer = again.getByRole('region', { name: 'Unfinished recordings' });
  await offer.getByRole('button', { name: 'Finish upload' }).click();
  await again.waitForURL(/\/v\//, { waitUntil: 'commit' });
  await play(again);
  const done = await api.video(video?.id ?? '');
  expect(done.state).not.toBe('recording');
  expect(done.size_bytes).toBeGreaterThanOrEqual(kept);
  expect(done.duration_ms).toBeGreaterThan(5_000);

  await again.goto('/record');
  await expect(again.getByText('What would you like to record?')).toBeVisible();
  await expect(offer).toHaveCount(0);
  await second.close();
});

/** Kills every process of the browser with the given profile, as a crash would; says how many there still were. */
function killBrowser(profile: string): number {
  let found = 0;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      if (command.includes(profile) && readlinkSync(`/proc/${pid}/exe`).includes('chrom')) {
        found++;
        process.kill(Number(pid), 'SIGKILL');
      }
    } catch {
      // gone already
    }
  }
  return found;
}
