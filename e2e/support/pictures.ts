import { expect, type Page } from '@playwright/test';

import { pictureSum, playerState, seek } from './player.ts';

/**
 * Expects that a paused player shows another picture at some later second. Not at one that is named: a browser that
 * stood still has recorded the same picture for as long.
 */
export async function expectOtherPicture(page: Page, from: number): Promise<void> {
  const { duration } = await playerState(page);
  await seek(page, from);
  const early = await pictureSum(page);
  let at = from;
  const later = async () => {
    at = at + 1 < duration ? at + 0.7 : from + 0.7;
    await seek(page, at);
    return pictureSum(page);
  };
  await expect.poll(later).not.toBe(early); // it follows the seek by a frame or two
}
