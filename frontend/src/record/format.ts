/** Which container and codecs to ask the browser for, and how many bits a second they deserve. */

/** The person's wish; `auto` takes the best the browser has. */
export type FormatChoice = 'auto' | 'mp4' | 'webm' | 'vp8';

/** The size of the recorded picture in pixels. */
export interface Size {
  width: number;
  height: number;
}

// avc3 keeps its parameter sets in band, so a shared window may be resized in mid-take; plain avc1 then stops
// decoding without any error event (Chromium 156). It stays in the list for Safari, which has no avc3.
const mp4 = (level: string) => [
  `video/mp4;codecs=avc3.6400${level},mp4a.40.2`,
  `video/mp4;codecs=avc3.6400${level},opus`,
  `video/mp4;codecs=avc1.6400${level},mp4a.40.2`,
];
const vp9 = ['video/webm;codecs=vp9,opus'];
const vp8 = ['video/webm;codecs=vp8,opus', 'video/webm'];

/** H.264 level (ITU-T H.264 table A-1) as two hex digits: 4.0 up to 1080p, 5.0 up to 1440p, 5.1 up to 2160p. */
function level(size: Size): string {
  const macroblocks = Math.ceil(size.width / 16) * Math.ceil(size.height / 16);
  if (macroblocks <= 8192) return '28';
  return macroblocks <= 22080 ? '32' : '33';
}

/** Types to try, best first. */
export function candidates(choice: FormatChoice, size: Size): string[] {
  const all = [...mp4(level(size)), ...mp4('28'), ...vp9, ...vp8];
  const unique = [...new Set(all)];
  if (choice === 'vp8') return vp8;
  // A wish is a preference: where the browser cannot fulfil it, the other container still makes a recording.
  if (choice === 'webm') return [...vp9, ...vp8, ...unique.filter((type) => type.includes('mp4'))];
  return unique;
}

/** The first type the browser supports, or null. */
export function pickType(
  choice: FormatChoice,
  size: Size,
  supported: (type: string) => boolean,
): string | null {
  return candidates(choice, size).find(supported) ?? null;
}

/** Video bits per second: 0.065 bits a pixel at 30 frames a second keeps screen text sharp; VP9 needs a quarter less. */
export function videoBits(size: Size, type: string): number {
  const raw = size.width * size.height * 30 * 0.065 * (type.includes('vp9') ? 0.75 : 1);
  return Math.round(Math.min(14e6, Math.max(2e6, raw)));
}

/** Audio bits per second: speech and system sound in stereo. */
export const audioBits = 128_000;

/** File name extension for a type. */
export function extension(type: string): string {
  if (type.startsWith('video/mp4') || type.startsWith('audio/mp4')) return 'mp4';
  return type.includes('webm') ? 'webm' : 'bin';
}

/** Reads a `?mime=` override such as `webm`, `mp4`, `vp8` or a whole type. */
export function parseChoice(value: string | null): FormatChoice | null {
  if (!value) return null;
  const lower = value.toLowerCase();
  if (lower.includes('vp8')) return 'vp8';
  if (lower.includes('webm') || lower.includes('vp9')) return 'webm';
  return lower.includes('mp4') ? 'mp4' : null;
}
