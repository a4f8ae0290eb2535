import { readlinkSync, readdirSync, readFileSync } from 'node:fs';

import { launchProfile, newPerson, newProfile } from '../support/browser.ts';
import { play, playerState } from '../support/player.ts';
import { savedSeconds, startRecording, stopRecording, waitForSaved } from '../support/recording.ts';
import { expect, signIn, test } from '../support/test.ts';

test('the line is cut for 20 seconds: recording goes on, the upload catches up', async ({
  chrome,
  line,
  api,
}) => {
  const context = await newPerson(chrome, line.url);
  await signIn(context);
  const page = await context.newPage();
  await startRecording(page, 'Camera', 'auto');
  await waitForSaved(page, 4);
  line.cut();
  const cut = await savedSeconds(page);
  await expect(page.getByTestId('saved').first()).toContainText('kept here');
  await page.waitForTimeout(20_000); // the outage itself
  expect(await savedSeconds(page)).toBeLessThan(cut + 3);
  line.mend();
  await waitForSaved(page, cut + 22);
  const slug = await stopRecording(page);
  expect((await api.videoOf(slug)).duration_ms).toBeGreaterThan((cut + 20) * 1000);
});

test('kill -9 of the server in the middle of a recording loses nothing', async ({
  server,
  owners,
  api,
}) => {
  const page = await owners.newPage();
  await startRecording(page, 'Camera', 'auto');
  await waitForSaved(page, 4);
  await server.kill9();
  await page.waitForTimeout(4_000); // the time a system's manager takes to notice
  await server.start();
  await waitForSaved(page, 14);
  const slug = await stopRecording(page);
  expect((await api.videoOf(slug)).duration_ms).toBeGreaterThan(13_000);
  await play(page);
  expect((await playerState(page)).duration).toBeGreaterThan(13);
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
  await waitForSaved(page, 6);
  killBrowser(profile);
  const [video] = await api.videos();
  expect(video?.state).toBe('recording');

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
  expect(done.duration_ms).toBeGreaterThan(5_000);

  await again.goto('/record');
  await expect(again.getByText('What would you like to record?')).toBeVisible();
  await expect(offer).toHaveCount(0);
  await second.close();
});

/** Kills every process of the browser with the given profile, as a crash would. */
function killBrowser(profile: string): void {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      if (command.includes(profile) && readlinkSync(`/proc/${pid}/exe`).includes('chrom')) {
        process.kill(Number(pid), 'SIGKILL');
      }
    } catch {
      // gone already
    }
  }
}
