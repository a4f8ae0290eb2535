import { readFileSync } from 'node:fs';

import type { Locator, Page } from '@playwright/test';

import type { Client, Video } from '../support/api.ts';
import { newPerson } from '../support/browser.ts';
import { calm } from '../support/calm.ts';
import { made } from '../support/clips.ts';
import { sharpMP4 } from '../support/files.ts';
import { fragmentedMP4 } from '../support/hostile.ts';
import { expectAccessible, expectFits } from '../support/look.ts';
import { expectPlaying, play } from '../support/player.ts';
import { expect, member, test } from '../support/test.ts';

/** A video of three minutes, of which a player does not hold the end before it gets there. */
const longMP4 = () =>
  readFileSync(
    made(
      'long.mp4',
      ...['-f', 'lavfi', '-i', 'testsrc2=s=640x360:r=15:d=180', '-f', 'lavfi', '-i', 'sine=d=180'],
      ...['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '30', '-pix_fmt', 'yuv420p'],
      ...['-c:a', 'aac', '-movflags', 'frag_keyframe+empty_moov+default_base_moof'],
    ),
  );

/** Uploads a video and opens its page. */
async function opened(api: Client, page: Page, title: string, file = sharpMP4()): Promise<Video> {
  await api.upload(file, title, 'video/mp4');
  const [video] = await api.videos();
  await calm(page);
  await page.goto(`/v/${video?.slug}`);
  await expect(page.getByRole('heading', { name: /^Comments/ })).toBeVisible();
  return video!;
}

async function share(page: Page): Promise<Locator> {
  await page.getByRole('button', { name: /^Share\. Who may watch/ }).click();
  const dialog = page.getByRole('dialog', { name: /^Share/ });
  await expect(dialog).toBeVisible();
  return dialog;
}

/** What the last click on "Copy" or "Make and copy" has put on the clipboard. */
const copied = (page: Page) => page.evaluate(() => navigator.clipboard.readText());

test('a link with a password opens for who knows it, and ends while they watch', async ({
  api,
  ownersPage,
  chrome,
  server,
}) => {
  await opened(api, ownersPage, 'Confidential walkthrough', longMP4());
  const dialog = await share(ownersPage);
  await expectAccessible(ownersPage);
  await dialog.getByRole('tab', { name: 'Share links' }).click();
  await dialog.getByRole('button', { name: 'New share link' }).click();
  await dialog.getByLabel('Name', { exact: true }).fill('For Acme');
  await dialog.getByRole('switch', { name: 'Ask for a password' }).click();
  await dialog.getByRole('textbox', { name: 'Password', exact: true }).fill('short');
  await dialog.getByRole('button', { name: 'Make and copy the link' }).click();
  await expect(dialog.getByText(/at least 8 characters\.$/)).toBeVisible();
  await dialog.getByRole('textbox', { name: 'Password', exact: true }).fill('open sesame');
  await expectAccessible(ownersPage);
  await expectFits(ownersPage);
  await dialog.getByRole('button', { name: 'Make and copy the link' }).click();
  await expect(dialog.getByText('For Acme')).toBeVisible();
  const url = await copied(ownersPage);
  expect(url).toContain('/v/');

  const holder = await calm(await (await newPerson(chrome, server.url)).newPage());
  await holder.goto(url);
  await expect(
    holder.getByRole('heading', { name: 'This link has a password', level: 2 }),
  ).toBeVisible();
  expect(await holder.content()).not.toContain('Confidential');
  expect(await holder.content()).not.toContain('Olive');
  await expectAccessible(holder);
  await expectFits(holder);
  await holder.getByLabel('Password', { exact: true }).fill('wrong word');
  await holder.getByRole('button', { name: 'Watch' }).click();
  await expect(holder.getByText('This is not the password.')).toBeVisible();
  await holder.getByLabel('Password', { exact: true }).fill('open sesame');
  await holder.keyboard.press('Enter');
  await expect(holder.getByRole('heading', { name: 'Confidential walkthrough' })).toBeVisible();
  await play(holder);
  await holder.getByRole('textbox', { name: /^Comment at/ }).fill('Seen by a guest');
  await holder.getByLabel('Your name').fill('Gus Guest');
  await holder.getByRole('button', { name: 'Comment', exact: true }).click();
  await expect(ownersPage.locator('[id^="c-"]').filter({ hasText: 'Gus Guest' })).toBeAttached();
  await holder.reload();
  await expect(holder.getByRole('heading', { name: 'Confidential walkthrough' })).toBeVisible();

  await play(holder);
  await dialog.getByRole('button', { name: 'Close For Acme' }).click();
  await ownersPage.getByRole('button', { name: 'Close it' }).click();
  await expect(
    holder.getByRole('heading', { name: 'This link has ended', level: 2 }),
  ).toBeVisible();
  const player = holder.locator('video:not([data-standby])');
  await expect(player).toHaveJSProperty('paused', true);
  await expectAccessible(holder);
});

test('a link that ends says so to who is watching, within seconds', async ({
  api,
  ownersPage,
  chrome,
  server,
}) => {
  const video = await opened(api, ownersPage, 'Short life', fragmentedMP4());
  await api.becomes(video.id, 'ready'); // else its page asks every few seconds by itself
  const links = `/api/videos/${video.id}/links`;
  const link = await api.json<{ id: string; url: string }>('POST', links, {});
  const holder = await (await newPerson(chrome, server.url)).newPage();
  await holder.goto(link.url);
  await play(holder);
  await api.json('PATCH', `/api/links/${link.id}`, {
    expires_at: new Date(Date.now() + 20_000).toISOString(),
  });
  // Who is not told asks again after minutes.
  await expect(
    holder.getByRole('heading', { name: 'This link has ended', level: 2 }),
  ).toBeVisible();
  await holder.reload();
  await expect(
    holder.getByRole('heading', { name: 'There is no video here', level: 2 }).first(),
  ).toBeVisible();
});

test('a link that lets in one lets in one, and no program that looks is counted', async ({
  api,
  ownersPage,
  chrome,
  server,
}) => {
  const video = await opened(api, ownersPage, 'For one');
  const link = await api.json<{ url: string }>('POST', `/api/videos/${video.id}/links`, {
    max_views: 1,
  });
  for (let i = 0; i < 3; i++) await fetch(link.url, { headers: { 'user-agent': 'Slackbot 1.0' } });
  const first = await (await newPerson(chrome, server.url)).newPage();
  const second = await (await newPerson(chrome, server.url)).newPage();
  await first.goto(link.url);
  await second.goto(link.url);
  await first.getByRole('button', { name: 'Watch' }).click();
  await expect(first.getByRole('heading', { name: 'For one' })).toBeVisible();
  await second.getByRole('button', { name: 'Watch' }).click();
  await expect(
    second.getByRole('heading', { name: 'This link has ended', level: 2 }),
  ).toBeVisible();
  await first.reload();
  await play(first);
});

test('the player goes on when its grants are void, for who may still watch', async ({
  api,
  ownersPage,
  members,
}) => {
  const video = await opened(api, ownersPage, 'Goes on', longMP4());
  const page = await members.newPage();
  await page.goto(`/v/${video.slug}`);
  await play(page);
  const link = await api.json<{ id: string }>('POST', `/api/videos/${video.id}/links`, {});
  await api.request('DELETE', `/api/links/${link.id}`); // voids all grants of the video
  const player = page.locator('video:not([data-standby])');
  await player.evaluate((it: HTMLVideoElement) => (it.currentTime = 120));
  await expectPlaying(page);
});

test('who cannot open it asks, and the owner answers from the inbox', async ({
  api,
  ownersPage,
  members,
}) => {
  const video = await opened(api, ownersPage, 'Only mine');
  await api.json('PATCH', `/api/videos/${video.id}`, { visibility: 'private' });
  await ownersPage.goto('/');
  const page = await calm(await members.newPage());
  await page.goto(`/v/${video.slug}`);
  await page.getByLabel('A word to the owner').fill('I need it for the demo.');
  await expectAccessible(page);
  await expectFits(page);
  await page.getByRole('button', { name: 'Ask for access' }).click();
  await expect(page.getByText(/^Asked\./)).toBeVisible();
  // The same answer where there is nothing.
  const nowhere = await members.newPage();
  await nowhere.goto('/v/nothinghere');
  await nowhere.getByRole('button', { name: 'Ask for access' }).click();
  await expect(nowhere.getByText(/^Asked\./)).toBeVisible();

  await ownersPage.getByRole('button', { name: 'Inbox, 1 new' }).click();
  const inbox = ownersPage.getByRole('dialog', { name: 'Inbox' });
  await expect(inbox.getByText('I need it for the demo.')).toBeVisible();
  await expectAccessible(ownersPage);
  await expectFits(ownersPage);
  await inbox.getByRole('button', { name: 'Let them watch' }).click();
  await expect(inbox.getByText(/You let them watch/)).toBeVisible();
  await expect(ownersPage.getByRole('button', { name: 'Inbox', exact: true })).toBeVisible();

  await page.goto('/inbox');
  await page.getByRole('link', { name: 'Only mine' }).click();
  await expect(page.getByRole('heading', { name: 'Only mine' })).toBeVisible();
});

test('the mail leads to a page that asks for one more click of who is signed in', async ({
  api,
  ownersPage,
  members,
}) => {
  const video = await opened(api, ownersPage, 'Asked by mail');
  await api.json('PATCH', `/api/videos/${video.id}`, { visibility: 'people' });
  await members.request.post('/api/requests', { data: { slug: video.slug, message: 'Please' } });
  const { items } = await api.json<{ items: { request: { id: string } }[] }>('GET', '/api/inbox');
  const path = `/requests/${items[0]?.request.id}`;
  const stranger = await members.newPage();
  await stranger.goto(path);
  await expect(stranger.getByRole('heading', { name: /no such request for you/ })).toBeVisible();
  await ownersPage.goto(path);
  await expect(ownersPage.getByRole('heading', { name: /asks to watch/ })).toBeVisible();
  await expectAccessible(ownersPage);
  await expectFits(ownersPage);
  expect((await members.request.get(`/api/videos/${video.id}`)).status()).toBe(404);
  await ownersPage.getByRole('button', { name: 'Let them watch' }).click();
  await expect(ownersPage.getByText(/^They can watch it/)).toBeVisible();
  expect((await members.request.get(`/api/videos/${video.id}`)).status()).toBe(200);
});

test('the check before sharing says who could not open it, and lets them in', async ({
  api,
  ownersPage,
  members,
}) => {
  const video = await opened(api, ownersPage, 'Checked');
  const dialog = await share(ownersPage);
  await dialog.getByRole('radio', { name: 'Only me' }).click();
  await expect(dialog.getByText(`${member.name} can no longer watch.`)).toBeVisible();
  await expectAccessible(ownersPage);
  await expectFits(ownersPage);
  await dialog.getByRole('button', { name: /^Change to/ }).click();
  await expect(dialog.getByRole('radio', { name: 'Only me' })).toBeChecked();
  await dialog
    .getByLabel('Who should be able to watch?')
    .fill(`${member.name} <${member.email}>; someone@else.example, nonsense`);
  await dialog.getByRole('button', { name: 'Check who can open it' }).click();
  await expect(dialog.getByText(member.name, { exact: true })).toBeVisible();
  await expect(dialog.getByText('the video is private').first()).toBeVisible();
  await expect(dialog.getByText('is not an e-mail address')).toBeVisible();
  await expectAccessible(ownersPage);
  await expectFits(ownersPage);
  await dialog.getByRole('button', { name: 'Let all 2 watch' }).click();
  await expect(
    dialog.getByRole('listitem').filter({ hasText: 'someone@else.example' }),
  ).toContainText('once signed in');
  await expect.poll(async () => (await api.video(video.id)).visibility).toBe('people');
  const page = await members.newPage();
  await page.goto(`/v/${video.slug}`);
  await expect(page.getByRole('heading', { name: 'Checked' })).toBeVisible();
  await dialog.getByRole('button', { name: `What ${member.name} may do` }).click();
  await ownersPage.getByRole('menuitem', { name: 'Remove' }).click();
  await expect(
    page.getByRole('heading', { name: 'There is no video here', level: 2 }).first(),
  ).toBeVisible();
});
