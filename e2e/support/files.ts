import { readFileSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import path from 'node:path';

import type { Page } from '@playwright/test';

import { made } from './clips.ts';
import { ordinaryMP4 } from './hostile.ts';

const tone = ['-f', 'lavfi', '-i', 'sine=f=440:d=5'];
const picture = ['-f', 'lavfi', '-i', 'testsrc2=s=320x180:r=25:d=5'];
const small = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-shortest'];

/** Files as people have them, none of them a browser's recording; paths. */
export const ordinaryFiles = () => ({
  mov: made('phone.mov', ...picture, ...tone, ...small, '-c:a', 'aac'),
  mkv: made('stream.mkv', ...picture, ...tone, ...small, '-c:a', 'aac'),
  mp3: made('voice.mp3', ...tone, '-c:a', 'libmp3lame'),
});

/** A recording-like MP4 that is worth several rungs. */
export function sharpMP4(): Buffer {
  return readFileSync(
    made(
      'sharp.mp4',
      ...['-f', 'lavfi', '-i', 'testsrc2=s=1280x720:r=30:d=12'],
      ...['-f', 'lavfi', '-i', 'sine=f=440:d=12', '-c:v', 'libx264', '-preset', 'ultrafast'],
      ...['-pix_fmt', 'yuv420p', '-g', '60', '-sc_threshold', '0', '-c:a', 'aac', '-shortest'],
      ...['-movflags', 'frag_keyframe+empty_moov+default_base_moof'],
    ),
  );
}

/** Writes an MP4 that plays six seconds and weighs so many bytes more, all of them random. */
export function heavyMP4(folder: string, name: string, bytes: number): string {
  const file = path.join(folder, name);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(bytes + 8);
  head.write('free', 4, 'latin1');
  writeFileSync(file, Buffer.concat([ordinaryMP4(), head, randomBytes(bytes)]));
  return file;
}

/** Drops files onto the page, all at once, as from the desktop. */
export async function drop(page: Page, files: { name: string; bytes: Buffer }[]): Promise<void> {
  const sent = files.map(({ name, bytes }) => ({ name, text: bytes.toString('base64') }));
  const transfer = await page.evaluateHandle((all) => {
    const data = new DataTransfer();
    for (const { name, text } of all) {
      const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
      data.items.add(new File([bytes], name));
    }
    return data;
  }, sent);
  for (const event of ['dragenter', 'dragover', 'drop']) {
    await page.dispatchEvent('body', event, { dataTransfer: transfer });
  }
}
