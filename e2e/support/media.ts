import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';

/** What ffprobe says about a file. */
export interface Probe {
  duration: number;
  video?: { codec: string; width: number; height: number; frames: number };
  audio?: { codec: string; frames: number };
}

interface ProbeOutput {
  format: { duration?: string };
  streams: {
    codec_type: string;
    codec_name: string;
    width?: number;
    height?: number;
    nb_read_packets?: string;
  }[];
}

/** Counts the packets of a file or a URL and reads its duration. */
export function probe(input: string): Probe {
  const args = ['-v', 'error', '-count_packets', '-show_streams', '-show_format', '-of', 'json'];
  const text = execFileSync('ffprobe', [...args, input], { encoding: 'utf8', stdio: 'pipe' });
  const output = JSON.parse(text) as ProbeOutput;
  const result: Probe = { duration: Number(output.format.duration ?? NaN) };
  for (const stream of output.streams) {
    const frames = Number(stream.nb_read_packets ?? 0);
    if (stream.codec_type === 'video') {
      const { codec_name: codec, width = 0, height = 0 } = stream;
      result.video = { codec, width, height, frames };
    }
    if (stream.codec_type === 'audio') result.audio = { codec: stream.codec_name, frames };
  }
  return result;
}

/** Presentation times in seconds of all packets of one kind, in their order. */
export function times(input: string, kind: 'v' | 'a'): number[] {
  const args = ['-v', 'error', '-select_streams', `${kind}:0`, '-show_entries'];
  const text = execFileSync('ffprobe', [...args, 'packet=pts_time', '-of', 'csv=p=0', input], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => parseFloat(line));
}

/**
 * How loud a frequency gets in a file, in dB below full scale: at its loudest, for a
 * busy machine leaves holes in what it records, and browsers take a steady tone for noise.
 */
export function loudness(input: string, hertz: number): number {
  const filter = `bandpass=f=${hertz}:width_type=h:w=60,volumedetect`;
  const run = spawnSync(
    'ffmpeg',
    ['-nostdin', '-i', input, '-af', filter, '-vn', '-f', 'null', '-'],
    {
      encoding: 'utf8',
    },
  );
  return Number(/max_volume: (\S+)/.exec(run.stderr)?.[1] ?? -Infinity);
}

/** Fetches a URL into a file, with a session's cookies. */
export async function download(url: string, file: string, cookie = ''): Promise<void> {
  const answer = await fetch(url, { headers: { cookie } });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
  writeFileSync(file, Buffer.from(await answer.arrayBuffer()));
}
