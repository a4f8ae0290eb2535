import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import path from 'node:path';

// A frame counter that survives scaling and encoding: sixteen wide columns, each
// black or white, are the bits of the frame's number.
const columns = 16;
const column = 40;
const height = 360;

const folder = path.resolve(import.meta.dirname, '../.cache');

/** One grey frame with its number in it. */
function frame(number: number): Buffer {
  const row = Buffer.alloc(columns * column);
  for (let bit = 0; bit < columns; bit++) {
    if ((number >> bit) & 1) row.fill(255, bit * column, (bit + 1) * column);
  }
  return Buffer.concat(Array.from({ length: height }, () => row));
}

/** Makes a recording-like MP4 of so many seconds at 30 fps whose frames are numbered. */
export function countedMP4(seconds: number): string {
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, `counted-${seconds}.mp4`);
  if (existsSync(file)) return file;
  const frames = Array.from({ length: seconds * 30 }, (_, i) => frame(i));
  const args = [
    ...['-nostdin', '-v', 'error', '-y', '-f', 'rawvideo', '-pix_fmt', 'gray'],
    ...['-s', `${columns * column}x${height}`, '-r', '30', '-i', 'pipe:0'],
    ...['-f', 'lavfi', '-i', 'sine=f=440:r=48000', '-shortest', '-c:v', 'libx264'],
    ...['-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '60', '-sc_threshold', '0'],
    ...['-c:a', 'aac', '-movflags', 'frag_keyframe+empty_moov+default_base_moof'],
  ];
  const part = `${file}.${process.pid}.mp4`; // another worker may be making it, too
  const run = spawnSync('ffmpeg', [...args.slice(1), part], {
    input: Buffer.concat(frames),
    maxBuffer: 1 << 28,
  });
  if (run.status !== 0) throw new Error(String(run.stderr));
  renameSync(part, file);
  return file;
}

/** Reads the numbers of all frames of a file or a playlist, in presentation order. */
export function readCounter(input: string): number[] {
  const args = [
    '-nostdin',
    '-v',
    'error',
    '-i',
    input,
    '-map',
    '0:v:0',
    '-fps_mode',
    'passthrough',
  ];
  const scale = ['-vf', `scale=${columns}:1:flags=area,format=gray`];
  const pixels = execFileSync('ffmpeg', [...args, ...scale, '-f', 'rawvideo', 'pipe:1'], {
    maxBuffer: 1 << 28,
  });
  const numbers = [];
  for (let at = 0; at < pixels.length; at += columns) {
    let number = 0;
    for (let bit = 0; bit < columns; bit++) {
      if ((pixels[at + bit] ?? 0) > 127) number |= 1 << bit;
    }
    numbers.push(number);
  }
  return numbers;
}
