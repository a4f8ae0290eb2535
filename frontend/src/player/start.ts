import { holdPass, passHeader } from '../api/pass';
import type { Playable } from './model';

const APP_WAITS_AT_MOST_MS = 1_200;

/** Settles with the first frame, or when the application should wait no longer. */
export function firstFrame(element: HTMLVideoElement, expected: boolean): Promise<void> {
  return new Promise((resolve) => {
    if (!expected) return resolve();
    const timer = setTimeout(resolve, APP_WAITS_AT_MOST_MS);
    const done = () => {
      clearTimeout(timer);
      resolve();
    };
    for (const sign of ['loadeddata', 'error'])
      element.addEventListener(sign, done, { once: true });
  });
}

/** Asks the API for the video again; null when it is not for this viewer (any more). */
export async function fetchVideo(id: string): Promise<Playable | null> {
  const answer = await fetch(`/api/videos/${encodeURIComponent(id)}`, { headers: passHeader() });
  if ([401, 403, 404, 410].includes(answer.status)) return null;
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  const video = (await answer.json()) as Playable;
  holdPass(video.pass);
  return video;
}
