import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import path from 'node:path';

const folder = path.resolve(import.meta.dirname, '../.cache');

/** What the fake camera shows and the fake microphone hears: loops of a few seconds. */
export const camera = path.join(folder, 'camera.y4m');
export const microphone = path.join(folder, 'microphone.wav');

const clips = {
  [camera]: ['-f', 'lavfi', '-i', 'testsrc2=s=640x360:r=30:d=2', '-pix_fmt', 'yuv420p'],
  [microphone]: ['-f', 'lavfi', '-i', 'sine=f=440:r=48000:d=5', '-ac', '1', '-c:a', 'pcm_s16le'],
};

/** Runs ffmpeg with the arguments and fails with what it says. */
export function ffmpeg(...args: string[]): void {
  execFileSync('ffmpeg', ['-nostdin', '-v', 'error', '-y', ...args], { stdio: 'pipe' });
}

/** Returns the path of a file made once by ffmpeg and kept for later runs. */
export function made(name: string, ...args: string[]): string {
  const file = path.join(folder, name);
  if (!existsSync(file)) {
    const part = path.join(folder, `part-${process.pid}-${name}`);
    ffmpeg(...args, part);
    renameSync(part, file);
  }
  return file;
}

/** Makes the clips of the fake devices once; playwright calls it before all tests. */
export default function makeClips(): void {
  mkdirSync(folder, { recursive: true });
  for (const [file, args] of Object.entries(clips)) made(path.basename(file), ...args);
}
