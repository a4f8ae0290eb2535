import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { newPerson } from '../support/browser.ts';
import { calm } from '../support/calm.ts';
import { expectAccessible, expectFits } from '../support/look.ts';
import { expect, member, signIn, test } from '../support/test.ts';

// An ffmpeg that fails for as long as a file lies beside it.
const folder = mkdtempSync(path.join(tmpdir(), 'meanwhile-e2e-ffmpeg-'));
const broken = path.join(folder, 'broken');
const ffmpeg = path.join(folder, 'ffmpeg');
writeFileSync(
  ffmpeg,
  `#!/bin/sh\n[ -e '${broken}' ] && { echo broken >&2; exit 1; }\nexec ffmpeg "$@"\n`,
);
chmodSync(ffmpeg, 0o755);

test.use({ environment: { MEANWHILE_FFMPEG: ffmpeg, MEANWHILE_SANDBOX: 'off' } });
test.afterAll(() => rmSync(folder, { recursive: true, force: true }));

const recording = path.resolve(
  import.meta.dirname,
  '../../transcode/container/testdata/avc3-opus.mp4',
);

test('an operator sees how the installation is, what failed and why, and tries it again', async ({
  api,
  ownersPage: page,
}) => {
  await calm(page);
  writeFileSync(broken, '');
  await api.upload(readFileSync(recording), 'Sprint review.mp4', 'video/mp4');
  const [video] = await api.videos();
  await api.becomes(video!.id, 'failed');

  await page.goto('/');
  await page.getByRole('button', { name: /^Account of/ }).click();
  await page.getByRole('menuitem', { name: 'Administration' }).click();
  await expect(page.getByRole('heading', { name: 'Administration', level: 1 })).toBeVisible();
  await expect(page.getByRole('heading', { name: 'Queues' })).toBeVisible();
  await expect(page.getByRole('list', { name: 'Workers' })).toContainText(/of \d+ slots? busy/);
  await expect(page.getByRole('img', { name: /^Jobs in the last 24 hours/ })).toBeVisible();
  await expect(page.getByRole('region', { name: 'Workspaces by what they hold' })).toBeVisible();
  await expect(page.getByText(/^Given up within a day/)).toBeVisible();
  const failures = page.getByRole('list', { name: 'Failures' });
  await expect(failures).toContainText('Sprint review');
  await expectAccessible(page);
  await expectFits(page);

  rmSync(broken);
  await failures.getByRole('button', { name: 'Try again: Sprint review.mp4' }).first().click();
  await expect(page.getByText('“Sprint review.mp4” is tried again')).toBeVisible();
  // Its pictures are a job of their own, and each is tried again by itself.
  const rest = failures.getByRole('button');
  const nothing = page.getByText('Nothing was given up.');
  await expect
    .poll(async () => {
      await rest.evaluateAll((all) => all.forEach((button) => (button as HTMLElement).click()));
      return nothing.isVisible();
    })
    .toBe(true);
  await api.becomes(video!.id, 'ready');
});

test('media that the store has lost is said to whoever plays it, and to the operator', async ({
  api,
  server,
  ownersPage: page,
}) => {
  await api.upload(readFileSync(recording), 'Sprint review.mp4', 'video/mp4');
  const [video] = await api.videos();
  await api.becomes(video!.id, 'ready');
  await page.goto('/admin');
  await expect(page.getByText('Nothing was found missing.')).toBeVisible();
  await expect(page.getByRole('heading', { name: /^Media missing/ })).toHaveCount(0);

  for (const part of ['src', 'ladder']) {
    rmSync(path.join(server.data, 'objects', 'v', video!.id, part), { recursive: true });
  }
  await page.goto(`/v/${video!.slug}`);
  await page.getByRole('button', { name: 'Play video' }).click();
  await expect(page.getByRole('alert')).toContainText('missing on the server');
  await page.goto('/admin');
  await expect(page.getByText('Media missing: 1 video.')).toBeVisible();
  const list = page.getByRole('list', { name: 'Videos with missing media' });
  await expect(list).toContainText('Sprint review');
  await expect(list).toContainText(`v/${video!.id}/`);
  await expectAccessible(page);
  await expectFits(page);
});

test('to everybody else there is no such page', async ({ chrome, server, api }) => {
  await api.invite(member);
  const context = await newPerson(chrome, server.url);
  await signIn(context, member);
  const page = await context.newPage();
  await page.goto('/admin');
  await expect(page.getByText('There is nothing at this address')).toBeVisible();
  await page.goto('/');
  await page.getByRole('button', { name: /^Account of/ }).click();
  await expect(page.getByRole('menuitem', { name: 'Settings' })).toBeVisible();
  await expect(page.getByRole('menuitem', { name: 'Administration' })).toHaveCount(0);
  for (const part of ['about', 'queues', 'workers', 'failures', 'storage', 'samples', 'missing']) {
    expect((await context.request.get(`/api/admin/${part}`)).status()).toBe(403);
  }
});
