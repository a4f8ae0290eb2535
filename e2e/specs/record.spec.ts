import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { openSharedTab } from '../support/browser.ts';
import { loudness, probe } from '../support/media.ts';
import { expectOtherPicture } from '../support/pictures.ts';
import { expectPlaying, pause, play, playerState } from '../support/player.ts';
import {
  type Format,
  type Mode,
  startRecording,
  stopRecording,
  waitForSaved,
} from '../support/recording.ts';
import { expect, test } from '../support/test.ts';

const modes: Mode[] = ['Screen', 'Screen + camera', 'Camera'];
const formats: Format[] = ['mp4', 'webm'];

for (const mode of modes) {
  for (const format of formats) {
    test(`${mode} as ${format}: stop, and it plays in another window`, async ({
      owners,
      api,
      members,
      folder,
    }) => {
      if (mode !== 'Camera') await openSharedTab(owners);
      const page = await owners.newPage();
      await startRecording(page, mode, format);
      await waitForSaved(page, 8);
      const slug = await stopRecording(page);

      const viewer = await members.newPage();
      await viewer.goto(`/v/${slug}`);
      await play(viewer);
      const state = await playerState(viewer);
      expect(state.width).toBeGreaterThan(0);
      expect(state.duration).toBeGreaterThan(5);
      await pause(viewer);
      await expectOtherPicture(viewer, 1);
      await play(viewer);

      // what the server keeps is a whole recording with the microphone's tone in it
      const video = await api.videoOf(slug);
      const media = (video.playback.hls ?? video.playback.progressive ?? '').split('?')[0] ?? '';
      const source = await api.request('GET', media.replace(/[^/]+$/, 'source'));
      const file = path.join(folder, `source.${format}`);
      writeFileSync(file, Buffer.from(await source.arrayBuffer()));
      const found = probe(file);
      expect(found.video?.codec).toMatch(format === 'mp4' ? /h264/ : /vp[89]/);
      expect(found.video?.frames).toBeGreaterThan(10);
      expect(found.audio?.frames).toBeGreaterThan(50);
      expect(loudness(file, 440)).toBeGreaterThan(-45);
      expect(loudness(file, 440)).toBeGreaterThan(loudness(file, 1000) + 10);
      expect(readFileSync(file).length).toBe(video.size_bytes);
    });
  }
}

for (const format of formats) {
  test(`a ${format} recording can be watched while it is made`, async ({
    owners,
    api,
    members,
  }) => {
    const page = await owners.newPage();
    await startRecording(page, 'Camera', format);
    await waitForSaved(page, 4);
    const [video] = await api.videos();
    const viewer = await members.newPage();
    await viewer.goto(`/v/${video?.slug}`);
    // WebM has no fragments: its live edge is what the first span's renditions hold
    if (format === 'webm') await waitForSaved(page, 35);
    await play(viewer);
    expect((await api.video(video?.id ?? '')).state).toBe('recording');
    const before = await playerState(viewer);
    await stopRecording(page);
    await expectPlaying(viewer, before);
  });
}

test('pause, resume, and a link in the clipboard', async ({ owners, api }) => {
  const page = await owners.newPage();
  await startRecording(page, 'Camera', 'auto');
  await waitForSaved(page, 2);
  await page.getByRole('button', { name: 'Pause' }).click();
  await expect(page.getByText('Paused', { exact: true }).first()).toBeVisible();
  await page.getByRole('button', { name: 'Resume' }).click();
  await waitForSaved(page, 8);
  const slug = await stopRecording(page);
  const copied = () => page.evaluate(() => navigator.clipboard.readText());
  await expect.poll(copied).toContain(`/v/${slug}`);
  const video = await api.videoOf(slug);
  expect(video.duration_ms).toBeGreaterThan(4_000);
});

test('a recording that is thrown away is in the trash and not in the library', async ({
  owners,
  api,
}) => {
  const page = await owners.newPage();
  await startRecording(page, 'Camera', 'auto');
  await waitForSaved(page, 2);
  await page.getByRole('button', { name: 'Throw this recording away' }).click();
  await page.getByRole('button', { name: 'Throw away' }).click();
  await expect(page.getByText('What would you like to record?')).toBeVisible();
  await expect.poll(async () => (await api.videos()).length).toBe(0);
});
