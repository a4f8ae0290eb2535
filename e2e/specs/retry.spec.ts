import { mkdtempSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { made } from '../support/clips.ts';
import { expectAccessible, expectFits } from '../support/look.ts';
import { play } from '../support/player.ts';
import { expect, test } from '../support/test.ts';

const ffmpeg = path.join(mkdtempSync(path.join(tmpdir(), 'meanwhile-ffmpeg-')), 'ffmpeg');

/** Puts a program in ffmpeg's place while the server runs. */
function become(program: string): void {
  writeFileSync(`${ffmpeg}.new`, `#!/bin/sh\n${program}\n`, { mode: 0o755 });
  renameSync(`${ffmpeg}.new`, ffmpeg);
}

become('echo "the encoder is gone" >&2; exit 1');
test.use({ environment: { MEANWHILE_FFMPEG: ffmpeg } });

test('what failed says so to its owner, who tries it again; viewers just watch', async ({
  api,
  ownersPage: page,
  members,
}) => {
  const clip = made(
    'retry.mp4',
    ...['-f', 'lavfi', '-i', 'testsrc2=s=640x360:r=15:d=20', '-f', 'lavfi', '-i', 'sine=d=20'],
    ...['-c:v', 'libx264', '-g', '30', '-pix_fmt', 'yuv420p', '-c:a', 'aac'],
    ...['-movflags', 'frag_keyframe+empty_moov+default_base_moof'],
  );
  await api.upload(readFileSync(clip), 'retry.mp4', 'video/mp4');
  const [video] = await api.videos();
  const id = video?.id ?? '';
  await api.becomes(id, 'failed');
  await api.json('PATCH', `/api/videos/${id}`, { visibility: 'workspace' });

  const reason = 'Meanwhile could not read this recording';
  const again = page.getByRole('button', { name: 'Try again' });
  await page.goto('/');
  await expect(page.getByText(reason)).toBeVisible();
  await expect(page.getByText('Original only')).toBeVisible();
  await expect(again).toBeVisible();
  await expectAccessible(page);
  await expectFits(page);
  await page.goto(`/v/${video?.slug}`);
  await expect(page.getByText(`${reason}`)).toContainText('It plays as it was recorded');
  await expectAccessible(page);
  await expectFits(page);

  const viewer = await members.newPage();
  await viewer.goto(`/v/${video?.slug}`);
  await play(viewer);
  await expect(viewer.getByText(reason)).toHaveCount(0);
  await expect(viewer.getByRole('button', { name: 'Try again' })).toHaveCount(0);
  await viewer.goto('/');
  await expect(viewer.getByText('retry').first()).toBeVisible();
  await expect(viewer.getByText('Original only')).toHaveCount(0);

  become('exec ffmpeg "$@"');
  await again.click();
  await expect(page.getByText(reason)).toHaveCount(0);
  await api.becomes(id, 'ready');
  await expect(again).toHaveCount(0);
  await play(page);
});
