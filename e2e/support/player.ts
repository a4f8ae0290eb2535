import { expect, type Page } from '@playwright/test';

/** How a page's player stands. */
export interface PlayerState {
  time: number;
  duration: number;
  width: number;
  height: number;
  frames: number;
  audioBytes: number;
  paused: boolean;
  ended: boolean;
  error: string;
}

/**
 * The page's <video>; not the one that makes itself ready to take over from it. When it
 * does, the one before is of no use any more, so pages look it up in the moment they use it.
 */
const shown = 'video:not([data-standby])';

/** Waits until the page's player knows what it plays: a source that is attached later would undo what is asked of it. */
async function attached(page: Page): Promise<void> {
  const known = () =>
    page.evaluate((it) => document.querySelector<HTMLVideoElement>(it)?.readyState ?? 0, shown);
  await expect.poll(known).toBeGreaterThanOrEqual(1); // HAVE_METADATA
}

/** Reads the state of the page's <video>. */
export async function playerState(page: Page): Promise<PlayerState> {
  await page.locator(shown).waitFor({ state: 'attached' });
  return page.evaluate((it) => {
    const video = document.querySelector<HTMLVideoElement>(it)!;
    const counted = video as HTMLVideoElement & { webkitAudioDecodedByteCount?: number };
    return {
      time: video.currentTime,
      duration: video.duration,
      width: video.videoWidth,
      height: video.videoHeight,
      frames: video.getVideoPlaybackQuality().totalVideoFrames,
      audioBytes: counted.webkitAudioDecodedByteCount ?? 0,
      paused: video.paused,
      ended: video.ended,
      error: video.error?.message ?? '',
    };
  }, shown);
}

/** Starts the player as a person would and waits until pictures and sound come out. */
export async function play(page: Page): Promise<void> {
  await attached(page);
  const before = await playerState(page);
  if (before.ended) before.time = 0; // it begins again
  await start(page);
  await expectPlaying(page, before);
}

/** Asks the player to play. */
export async function start(page: Page): Promise<void> {
  await page.evaluate((it) => {
    const video = document.querySelector<HTMLVideoElement>(it)!;
    // what takes over from it in this moment plays in its place, and it breaks its word
    void video.play().catch(() => undefined);
  }, shown);
}

/** Stops the player where it is. */
export async function pause(page: Page): Promise<void> {
  await page.evaluate((it) => document.querySelector<HTMLVideoElement>(it)!.pause(), shown);
}

/** Waits until time, pictures and sound of a playing video have moved on from where it was. */
export async function expectPlaying(page: Page, before?: PlayerState): Promise<void> {
  let { time, frames, audioBytes } = before ?? (await playerState(page));
  await expect
    .poll(async () => {
      const now = await playerState(page);
      if (now.error) throw new Error(`the player failed: ${now.error}`);
      // another element has taken over, and counts from nothing
      if (now.frames < frames || now.audioBytes < audioBytes) frames = audioBytes = 0;
      return now.time > time && now.frames > frames && now.audioBytes > audioBytes;
    })
    .toBe(true);
}

/** Seeks and waits until a picture of the new place is there, or of where it has played on to since. */
export async function seek(page: Page, seconds: number): Promise<void> {
  await attached(page);
  const asked = await page.evaluate(
    ([it, at]) => {
      document.querySelector<HTMLVideoElement>(it)!.currentTime = at;
      return performance.now();
    },
    [shown, seconds] as const,
  );
  // When renditions become ready another element takes over, at the same place.
  await expect
    .poll(() =>
      page.evaluate(
        ([it, at, since]) => {
          const v = document.querySelector<HTMLVideoElement>(it)!;
          const stands = v.paused && !v.ended;
          const played = stands ? 0 : ((performance.now() - since) / 1000) * v.playbackRate;
          const beyond = v.currentTime - at;
          const there = beyond > -1.5 && beyond < 1.5 + played;
          return !v.seeking && v.readyState >= v.HAVE_CURRENT_DATA && there;
        },
        [shown, seconds, asked] as const,
      ),
    )
    .toBe(true);
}

/** A number that differs between different pictures of the player. */
export function pictureSum(page: Page): Promise<number> {
  return page.evaluate((it) => {
    const video = document.querySelector<HTMLVideoElement>(it)!;
    const canvas = document.createElement('canvas');
    canvas.width = 64;
    canvas.height = 36;
    const paint = canvas.getContext('2d', { willReadFrequently: true });
    paint?.drawImage(video, 0, 0, 64, 36);
    let sum = 0;
    paint?.getImageData(0, 0, 64, 36).data.forEach((value, i) => (sum += value * ((i % 251) + 1)));
    return sum;
  }, shown);
}
