import type { Page } from '@playwright/test';

import { newPerson } from '../support/browser.ts';
import { fragmentedMP4 } from '../support/hostile.ts';
import { play, playerState, seek } from '../support/player.ts';
import { expect, test } from '../support/test.ts';

/** Opens the watch page in a window and waits for what was said before, and until it hears what others say now. */
async function open(page: Page, path: string): Promise<void> {
  const heard = page.waitForResponse(/\/events$/);
  const list = page.waitForResponse(/\/comments(\?|$)/);
  await page.goto(path);
  await expect(page.getByRole('heading', { name: /^Comments/ })).toBeVisible();
  await heard;
  await (await list).finished();
}

/** Writes a comment at the current second, as a person does. */
async function comment(page: Page, text: string): Promise<void> {
  await page.getByRole('textbox', { name: /^Comment at/ }).fill(text);
  await page.getByRole('button', { name: 'Comment', exact: true }).click();
}

test('a comment written in one window appears in the other, and leads to its second', async ({
  api,
  ownersPage,
  members,
}) => {
  await api.upload(fragmentedMP4(), 'talk.mp4', 'video/mp4');
  const [video] = await api.videos();
  const watch = `/v/${video?.slug}`;
  const membersPage = await members.newPage();
  await open(ownersPage, watch);
  await open(membersPage, watch);
  await expect.poll(async () => (await playerState(membersPage)).width).toBeGreaterThan(0);
  await seek(membersPage, 7);
  await comment(membersPage, 'Look at https://example.org/here <b>now</b>');

  const item = ownersPage.locator('[id^="c-"]').filter({ hasText: 'Look at' });
  await expect(item).toBeVisible();
  await expect(item).toContainText('<b>now</b>');
  await expect(item.getByRole('link', { name: 'https://example.org/here' })).toHaveAttribute(
    'href',
    'https://example.org/here',
  );
  await item.getByRole('button', { name: /^Go to/ }).click();
  await expect.poll(async () => Math.abs((await playerState(ownersPage)).time - 7)).toBeLessThan(1);

  await item.getByRole('button', { name: 'Reply' }).click();
  await ownersPage.getByRole('textbox', { name: /^Reply to/ }).fill('I see it.');
  await ownersPage.getByRole('button', { name: 'Reply', exact: true }).last().click();
  await expect(membersPage.getByText('I see it.')).toBeVisible();

  await item.getByRole('button', { name: 'Resolve' }).click();
  await expect(membersPage.getByText('Look at')).toHaveCount(0);
});

test('a guest comments by name where the owner allows it', async ({ api, chrome, server }) => {
  await api.upload(fragmentedMP4(), 'guests.mp4', 'video/mp4');
  const [video] = await api.videos();
  await api.json('PATCH', `/api/videos/${video?.id}`, {
    visibility: 'link',
    guests_may_comment: true,
  });
  const guest = await (await newPerson(chrome, server.url)).newPage();
  await open(guest, `/v/${video?.slug}`);
  await guest.getByRole('textbox', { name: /^Comment at/ }).fill('Hello from outside');
  await guest.getByLabel('Your name').fill('Gus Guest');
  await guest.getByRole('button', { name: 'Comment', exact: true }).click();
  await expect(guest.locator('[id^="c-"]').filter({ hasText: 'Gus Guest' })).toBeVisible();
  // It stands there before the server has it; the server's own word is what counts.
  type Said = { items: { body: string; author: { guest: boolean } }[] };
  await expect
    .poll(async () => (await api.json<Said>('GET', `/api/videos/${video?.id}/comments`)).items)
    .toMatchObject([{ body: 'Hello from outside', author: { guest: true } }]);
});

test('who may not watch sees nothing of a video', async ({ api, chrome, server, members }) => {
  await api.upload(fragmentedMP4(), 'Very private words.mp4', 'video/mp4');
  const [video] = await api.videos();
  const path = `/v/${video?.slug}`;
  const stranger = await newPerson(chrome, server.url);
  const closed = await stranger.request.get(path);
  expect(await closed.text()).not.toContain('Very private words');
  const api404 = await stranger.request.get(`/api/videos/${video?.id}`);
  expect([401, 404]).toContain(api404.status());

  expect(await (await members.request.get(path)).text()).toContain('Very private words');
  await api.json('PATCH', `/api/videos/${video?.id}`, { visibility: 'private' });
  expect(await (await members.request.get(path)).text()).not.toContain('Very private words');
  await api.json('PATCH', `/api/videos/${video?.id}`, { visibility: 'link' });
  expect(await (await stranger.request.get(path)).text()).toContain('Very private words');
});

test('?t= opens at its second', async ({ api, ownersPage }) => {
  await api.upload(fragmentedMP4(), 'place.mp4', 'video/mp4');
  const [video] = await api.videos();
  await open(ownersPage, `/v/${video?.slug}?t=5`);
  await expect.poll(async () => (await playerState(ownersPage)).time).toBeGreaterThanOrEqual(4.9);
  await play(ownersPage);
  expect((await playerState(ownersPage)).time).toBeGreaterThanOrEqual(4.9);
});
