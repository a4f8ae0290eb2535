import type { Locator, Page } from '@playwright/test';

import { calm } from '../support/calm.ts';
import { fragmentedMP4 } from '../support/hostile.ts';
import { expect, test } from '../support/test.ts';

/** The card of a video. */
const card = (page: Page, title: string): Locator =>
  page.getByRole('article', { name: title, exact: true });

/** Chooses an entry of a card's menu. */
async function choose(page: Page, title: string, entry: string | RegExp): Promise<void> {
  await page.getByRole('button', { name: `Actions for ${title}` }).click();
  await page.getByRole('menu').locator('[role^=menuitem]').filter({ hasText: entry }).click();
}

test('the empty library invites to record', async ({ ownersPage }) => {
  await ownersPage.goto('/');
  await expect(ownersPage.getByRole('heading', { name: /^Show it once/ })).toBeVisible();
  await ownersPage.getByRole('link', { name: 'Make the first recording' }).click();
  await expect(ownersPage).toHaveURL(/\/record$/);
  await expect(ownersPage.getByRole('button', { name: /^Screen \+ camera/ })).toBeVisible();
});

test('a title is written in its place, the link is copied, a circle is chosen', async ({
  api,
  ownersPage,
  members,
}) => {
  const { id, slug } = await api.create('First title', 'video/mp4');
  await calm(ownersPage);
  await ownersPage.goto('/');
  await choose(ownersPage, 'First title', 'Rename');
  const line = ownersPage.getByRole('textbox', { name: 'Title' });
  await expect(line).toBeFocused();
  await line.fill('Second title');
  await line.press('Escape');
  await expect(card(ownersPage, 'First title')).toBeVisible();
  await choose(ownersPage, 'First title', 'Rename');
  await line.fill('Third <i>title</i>');
  await line.press('Enter');
  await expect(card(ownersPage, 'Third <i>title</i>')).toBeVisible();
  await expect.poll(async () => (await api.video(id)).title).toBe('Third <i>title</i>');

  await choose(ownersPage, 'Third <i>title</i>', 'Copy link');
  await expect(ownersPage.getByText(/copied/i)).toBeVisible();
  const copied = await ownersPage.evaluate(() => navigator.clipboard.readText());
  expect(new URL(copied).href).toBe(new URL(`/v/${slug}`, api.url).href);

  const membersPage = await members.newPage();
  await membersPage.goto('/');
  await expect(card(membersPage, 'Third <i>title</i>')).toBeVisible();
  await choose(ownersPage, 'Third <i>title</i>', 'Share');
  const sharing = ownersPage.getByRole('dialog', { name: /^Share/ });
  await sharing.getByRole('radio', { name: 'Only me' }).click();
  await expect(sharing.getByText('Mia Member can no longer watch.')).toBeVisible();
  await sharing.getByRole('button', { name: /^Change to/ }).click();
  await ownersPage.keyboard.press('Escape');
  await expect(card(ownersPage, 'Third <i>title</i>')).toContainText('Only you can see it');
  await expect.poll(async () => (await api.video(id)).visibility).toBe('private');
  await expect(card(membersPage, 'Third <i>title</i>')).toHaveCount(0);
  await choose(ownersPage, 'Third <i>title</i>', 'Share');
  await sharing.getByRole('radio', { name: 'Anyone with the link' }).click();
  await expect.poll(async () => (await api.video(id)).visibility).toBe('link');
  await expect(card(membersPage, 'Third <i>title</i>')).toBeVisible();
});

test('the search minds neither case nor accents, and lives in the address', async ({
  api,
  ownersPage,
}) => {
  for (const title of ['Crème brûlée', 'ÜBERSICHT der Straße', '100 % done', 'Other']) {
    await api.create(title, 'video/mp4');
  }
  await ownersPage.goto('/');
  await expect(ownersPage.getByRole('article')).toHaveCount(4);
  await ownersPage.keyboard.press('/');
  const box = ownersPage.getByRole('searchbox', { name: 'Search titles' });
  await expect(box).toBeFocused();
  for (const [words, title] of [
    ['CREME brul', 'Crème brûlée'],
    ['Brûlée', 'Crème brûlée'],
    ['übersicht', 'ÜBERSICHT der Straße'],
    ['ubersicht', 'ÜBERSICHT der Straße'],
    ['0 %', '100 % done'],
  ] as const) {
    await box.fill(words);
    await expect(ownersPage.getByRole('heading', { level: 1 })).toHaveText(
      `Results for “${words}”`,
    );
    await expect(ownersPage.getByRole('article')).toHaveCount(1);
    await expect(card(ownersPage, title)).toBeVisible();
  }
  await ownersPage.reload();
  await expect(box).toHaveValue('0 %');
  await expect(ownersPage.getByRole('article')).toHaveCount(1);
  await box.fill('nothing like it');
  await expect(ownersPage.getByRole('heading', { name: 'No title matches' })).toBeVisible();
  await ownersPage.getByRole('link', { name: 'Clear search' }).click();
  await expect(ownersPage.getByRole('article')).toHaveCount(4);
  await expect(box).toHaveValue('');
  await ownersPage.goBack();
  await expect(box).toHaveValue('nothing like it');
  await ownersPage.goForward();
  await expect(box).toHaveValue('');
  await expect(ownersPage.getByRole('article')).toHaveCount(4);
});

test('what goes to the trash comes back, at once or later', async ({ api, ownersPage }) => {
  await api.create('Dear old clip', 'video/mp4');
  await calm(ownersPage);
  await ownersPage.goto('/');
  const clip = card(ownersPage, 'Dear old clip');
  await choose(ownersPage, 'Dear old clip', 'Move to trash');
  await expect(clip).toHaveCount(0);
  await ownersPage.getByRole('button', { name: 'Undo' }).click();
  await expect(clip).toBeVisible();

  await choose(ownersPage, 'Dear old clip', 'Move to trash');
  await expect(clip).toHaveCount(0);
  await ownersPage.getByRole('link', { name: 'Trash', exact: true }).click();
  await expect(clip).toBeVisible();
  expect(await api.videos()).toEqual([]);
  await clip.getByRole('button', { name: 'Restore' }).click();
  await expect(clip).toHaveCount(0);
  await expect(ownersPage.getByRole('heading', { name: 'The trash is empty' })).toBeVisible();
  await ownersPage.getByRole('link', { name: 'Everyone' }).click();
  await expect(clip).toBeVisible();
});

test('sixty videos come page by page as one scrolls, each once', async ({ api, ownersPage }) => {
  const titles = Array.from({ length: 60 }, (_, i) => `Clip ${i + 1}`);
  for (const title of titles) {
    const { upload_url } = await api.create(title, 'video/mp4');
    await api.patch(upload_url, 0, new Uint8Array(1)); // few may be open without a byte
  }
  await ownersPage.goto('/');
  const cards = ownersPage.getByRole('article');
  await expect(card(ownersPage, 'Clip 60')).toBeVisible();
  const first = await cards.count();
  expect(first).toBeLessThan(60);
  await expect(async () => {
    await ownersPage.mouse.wheel(0, 4000);
    await expect(cards).toHaveCount(60, { timeout: 200 });
  }).toPass();
  const shown = await cards.evaluateAll((all) => all.map((c) => c.getAttribute('aria-label')));
  expect(shown).toEqual(titles.reverse());
  await expect(ownersPage.getByRole('button', { name: 'Show more' })).toHaveCount(0);
});

test('what others do appears without a reload', async ({ api, members }) => {
  const page = await members.newPage();
  const listens = page.waitForResponse(/\/api\/events/);
  await page.goto('/');
  await expect(page.getByRole('heading', { name: /^Show it once/ })).toBeVisible();
  await listens; // what happens before that is not told
  await page.evaluate(() => (document.body.dataset.kept = 'yes'));
  const { id } = await api.create('News', 'video/mp4');
  await expect(card(page, 'News')).toContainText('Olive Owner');
  await api.json('PATCH', `/api/videos/${id}`, { title: 'Newer' });
  await expect(card(page, 'Newer')).toBeVisible();
  await api.json('DELETE', `/api/videos/${id}`);
  await expect(card(page, 'Newer')).toHaveCount(0);
  await api.json('POST', `/api/videos/${id}/restore`);
  await expect(card(page, 'Newer')).toBeVisible();
  expect(await page.evaluate(() => document.body.dataset.kept)).toBe('yes');
});

test('a card fills by itself and moves under the pointer', async ({ api, ownersPage }) => {
  await ownersPage.goto('/');
  await api.upload(fragmentedMP4(), 'moving.mp4', 'video/mp4');
  const clip = card(ownersPage, 'moving.mp4');
  const images = clip.locator('img');
  await expect(images.first()).toHaveAttribute('src', /poster\.jpg/);
  await expect(clip).toContainText('0:12');
  const [video] = await api.videos();
  const preview = async () => (await api.video(video?.id ?? '')).playback.preview;
  await expect.poll(preview).not.toBeNull();
  await expect(async () => {
    await ownersPage.mouse.move(0, 0);
    await images.first().hover({ force: true });
    await expect(images.nth(1)).toHaveAttribute('src', /preview\.webp/, { timeout: 1_000 });
  }).toPass();
  const width = () => images.nth(1).evaluate((image: HTMLImageElement) => image.naturalWidth);
  await expect.poll(width).toBeGreaterThan(0);
  await ownersPage.mouse.move(0, 0);
  await expect(images).toHaveCount(1);
});
