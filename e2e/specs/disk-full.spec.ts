import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { fragmentedMP4 } from '../support/hostile.ts';
import { expect, test as base } from '../support/test.ts';

// A disk of its own, so that it can be filled. Mounting needs root.
const test = base.extend({
  folder: async ({ folder }, use) => {
    const data = path.join(folder, 'data');
    mkdirSync(data);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=48m', 'meanwhile', data]);
    await use(folder);
    execFileSync('umount', ['-l', data]);
  },
});
test.skip(() => process.getuid?.() !== 0, 'mounting a small disk needs root');

test('a full disk is told, nothing acknowledged is lost, and it heals by itself', async ({
  server,
  api,
}) => {
  const video = await api.create('full', 'video/mp4');
  const bytes = fragmentedMP4();
  expect((await api.patch(video.upload_url, 0, bytes.subarray(0, 50_000))).status).toBe(204);

  const ballast = path.join(server.data, 'ballast');
  try {
    writeFileSync(ballast, Buffer.alloc(64 << 20));
  } catch {
    // the disk is full now, as wanted
  }
  const refused = await api.patch(video.upload_url, 50_000, bytes.subarray(50_000));
  expect(refused.status).toBe(507);
  const offset = await api.offset(video.upload_url);
  expect(offset).toBeGreaterThanOrEqual(50_000);

  rmSync(ballast);
  const rest = await api.patch(video.upload_url, offset, bytes.subarray(offset), {
    'upload-length': String(bytes.length),
  });
  expect(rest.status).toBe(204);
  await api.becomes(video.id, 'ready');
});
