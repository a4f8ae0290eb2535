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
  error: string;
}

/** Reads the state of the page's <video>. */
export function playerState(page: Page): Promise<PlayerState> {
  return page.evaluate(() => {
    const video = document.querySelector('video');
    if (!video) throw new Error('no <video> on the page');
    const counted = video as HTMLVideoElement & { webkitAudioDecodedByteCount?: number };
    return {
      time: video.currentTime,
      duration: video.duration,
      width: video.videoWidth,
      height: video.videoHeight,
      frames: video.getVideoPlaybackQuality().totalVideoFrames,
      audioBytes: counted.webkitAudioDecodedByteCount ?? 0,
      paused: video.paused,
      error: video.error?.message ?? '',
    };
  });
}

/** Starts the player as a person would and waits until pictures and sound come out. */
export async function play(page: Page): Promise<void> {
  await expect(page.locator('video:not([data-standby])')).toBeAttached();
  await page
    .locator('video:not([data-standby])')
    .evaluate((video: HTMLVideoElement) => video.play());
  await expectPlaying(page);
}

/** Waits until time, pictures and sound of a playing video have moved on. */
export async function expectPlaying(page: Page): Promise<void> {
  const before = await playerState(page);
  await expect
    .poll(async () => {
      const now = await playerState(page);
      if (now.error) throw new Error(`the player failed: ${now.error}`);
      return (
        now.time > before.time && now.frames > before.frames && now.audioBytes > before.audioBytes
      );
    })
    .toBe(true);
}

/** Seeks and waits until a picture of the new place is there. */
export async function seek(page: Page, seconds: number): Promise<void> {
  const video = page.locator('video:not([data-standby])');
  await video.evaluate((v: HTMLVideoElement, at) => {
    v.currentTime = at;
  }, seconds);
  // When renditions become ready another element takes over, at the same place.
  await expect
    .poll(() =>
      video.evaluate(
        (v: HTMLVideoElement, at) =>
          !v.seeking && v.readyState >= v.HAVE_CURRENT_DATA && Math.abs(v.currentTime - at) < 1.5,
        seconds,
      ),
    )
    .toBe(true);
}

/** A number that differs between different pictures of the player. */
export function pictureSum(page: Page): Promise<number> {
  return page.locator('video:not([data-standby])').evaluate((video: HTMLVideoElement) => {
    const canvas = document.createElement('canvas');
    canvas.width = 64;
    canvas.height = 36;
    const paint = canvas.getContext('2d', { willReadFrequently: true });
    paint?.drawImage(video, 0, 0, 64, 36);
    let sum = 0;
    paint?.getImageData(0, 0, 64, 36).data.forEach((value, i) => (sum += value * ((i % 251) + 1)));
    return sum;
  });
}
