import { expect, type Page } from '@playwright/test';

export type Mode = 'Screen' | 'Screen + camera' | 'Camera';
export type Format = 'auto' | 'mp4' | 'webm' | 'vp8';

/** Begins a recording as a person does, without waiting for the countdown. */
export async function startRecording(page: Page, mode: Mode, format: Format): Promise<void> {
  await page.goto('/record');
  await page.getByText('Options', { exact: true }).click();
  await page.getByLabel('Recording format').selectOption(format);
  const cards = {
    Screen: /^Screen A tab/,
    'Screen + camera': /^Screen \+ camera/,
    Camera: /^Camera/,
  };
  await page.getByRole('button', { name: cards[mode] }).click();
  await page.getByRole('button', { name: 'Start recording' }).click();
  const now = page.getByRole('button', { name: 'Start now' });
  const stop = page.getByRole('button', { name: 'Stop' });
  // The countdown may be over before anybody gets to skip it; then this is the other button.
  await now
    .or(stop)
    .first()
    .evaluate((button: HTMLElement) => {
      if (button.textContent.trim() === 'Start now') button.click();
    });
  await expect(stop).toBeVisible();
}

/** The second up to which the server has the recording, as the page says. */
export async function savedSeconds(page: Page): Promise<number> {
  const text = (await page.getByTestId('saved').first().textContent()) ?? '';
  const found = /(\d+):(\d\d)/.exec(text);
  return found ? Number(found[1]) * 60 + Number(found[2]) : 0;
}

/** Waits until the server has so much of the recording. */
export async function waitForSaved(page: Page, seconds: number): Promise<void> {
  await expect
    .poll(() => savedSeconds(page), { timeout: 180_000 + seconds * 1000 })
    .toBeGreaterThanOrEqual(seconds);
}

/** Presses Stop and waits for the watch page to open by itself; returns its slug. */
export async function stopRecording(page: Page): Promise<string> {
  await page.getByRole('button', { name: 'Stop' }).click();
  await page.waitForURL(/\/v\//, { waitUntil: 'commit' });
  // A page whose server goes while it still loads complains, and rightly.
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  return new URL(page.url()).pathname.split('/')[2] ?? '';
}
