import { Client } from '../support/api.ts';
import { newPerson } from '../support/browser.ts';
import { calm } from '../support/calm.ts';
import { fragmentedMP4 } from '../support/hostile.ts';
import { complaints, expectAccessible, expectFits } from '../support/look.ts';
import { startRecording } from '../support/recording.ts';
import { owner } from '../support/server.ts';
import { expect, member, signIn, test } from '../support/test.ts';

interface Details {
  id: string;
  used_bytes: number;
}

const viewer = {
  email: 'viewer@example.org',
  name: 'Vic Viewer',
  password: 'a third horse battery staple',
};

async function workspaceOf(api: Client): Promise<string> {
  const session = await api.json<{ account: { workspace_id: string } }>('GET', '/api/session');
  return session.account.workspace_id;
}

async function inviteAs(api: Client, person: typeof owner, role: string): Promise<void> {
  const { url } = await api.json<{ url: string }>('POST', '/api/invitations', { role });
  const token = new URL(url).pathname.split('/').at(-1);
  await new Client(api.url).json('POST', '/api/invitations/accept', { token, ...person });
}

test('a further workspace has a library of its own, and people of its own', async ({
  chrome,
  server,
  api,
  ownersPage: page,
}) => {
  await api.create('Of the first one', 'video/mp4');
  await api.invite(member);
  await page.goto('/settings#workspace');
  await page.getByRole('button', { name: 'New workspace' }).click();
  await page.getByRole('dialog').getByLabel('Name').fill('Side project');
  await page.getByRole('button', { name: 'Create workspace' }).click();
  await expect(page.getByText('Make the first recording')).toBeVisible();

  await page.goto('/settings#people');
  await page.getByLabel('As', { exact: true }).selectOption('viewer');
  await page.getByRole('button', { name: 'Create link' }).click();
  const link = await page.getByLabel(/Send this link/).inputValue();

  const context = await newPerson(chrome, server.url);
  await signIn(context, member);
  const mia = await context.newPage();
  await mia.goto(new URL(link).pathname);
  await expect(mia.getByRole('heading')).toHaveText(/Olive Owner invites you to Side project/);
  await mia.getByRole('button', { name: 'Join Side project' }).click();
  await expect(mia.getByText('Nothing to watch yet')).toBeVisible();
  await expect(mia.getByRole('link', { name: 'New recording' })).toHaveCount(0);
  await mia.goto('/record');
  await expect(mia.getByText('You watch and comment here')).toBeVisible();

  await mia.getByRole('button', { name: /^Account of/ }).click();
  await expect(mia.getByRole('menuitemradio', { name: 'Side project' })).toBeChecked();
  await mia.getByRole('menuitemradio', { name: 'Workspace', exact: true }).click();
  await expect(mia.getByText('Of the first one')).toBeVisible();
  await expect(mia.getByRole('link', { name: 'New recording' })).toBeVisible();
});

test('who is removed while watching sees nothing more, and the heir has the videos', async ({
  chrome,
  server,
  api,
  ownersPage: page,
}) => {
  await api.invite(member);
  await api.upload(fragmentedMP4(), 'Walkthrough', 'video/mp4');
  const [video] = await api.videos();
  await api.becomes(video?.id ?? '', 'ready'); // else its page asks every few seconds by itself
  const mias = new Client(server.url);
  await mias.signIn(member);
  const private_ = await mias.json<{ id: string; slug: string }>('POST', '/api/videos', {
    title: 'Mine alone',
    visibility: 'private',
  });
  const context = await newPerson(chrome, server.url);
  await signIn(context, member);
  const mia = await context.newPage();
  await mia.goto(`/v/${video?.slug}`);
  await expect(mia.getByRole('heading', { name: 'Walkthrough' })).toBeVisible();

  await calm(page);
  await page.goto('/settings#people');
  await page.getByRole('button', { name: `Remove ${member.name}` }).click();
  await expect(page.getByLabel('Who takes over 1 video?')).toHaveValue(/.+/);
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
  await expect(page.getByText(`${member.name} does not belong to`)).toBeVisible();

  // Who is not told asks again after minutes.
  await expect(mia.getByRole('heading', { name: 'Walkthrough' })).toBeHidden();
  const heard = await api.json<{ owner: { name: string } }>('GET', `/api/videos/${private_.id}`);
  expect(heard.owner.name).toBe(owner.name);
  await mia.goto('/');
  await expect(mia.getByText('Nothing is shared with you yet')).toBeVisible();
  await expect(mia.getByRole('navigation', { name: 'Filter' })).toHaveCount(0);
});

test('roles are given, and the last owner keeps theirs', async ({ api, ownersPage: page }) => {
  await inviteAs(api, viewer, 'viewer');
  await calm(page);
  await page.goto('/settings#people');
  await page.getByLabel(`Role of ${viewer.name}`).selectOption('admin');
  await expect(page.getByText(`${viewer.name} is admin now`)).toBeVisible();
  await page.getByLabel(`Role of ${owner.name}`).selectOption('member');
  await expect(page.getByText(/A workspace needs an owner/)).toBeVisible();
  await expect(page.getByLabel(`Role of ${owner.name}`)).toHaveValue('owner');
});

test('at the quota a recording ends with what came, plays, and its owner is told', async ({
  api,
  ownersPage: page,
}) => {
  await api.json('PATCH', `/api/workspaces/${await workspaceOf(api)}`, { quota_bytes: 1_500_000 });
  await startRecording(page, 'Camera', 'auto');
  await expect(page.getByRole('heading', { name: 'The recording ended early' })).toBeVisible({
    timeout: 300_000, // a browser that gets little of the machine has little to send
  });
  await expect(page.getByText(/The storage of your workspace is full/)).toBeVisible();
  const slug = new URL((await page.getByTestId('link').textContent()) ?? '').pathname.split('/')[2];
  const { id } = await api.videoOf(slug ?? '');
  const video = await api.becomes(id, /processing|ready/);
  expect(video.size_bytes).toBeGreaterThan(0);
  expect(video.size_bytes).toBeLessThanOrEqual(1_500_000);
  await page.goto('/');
  await page.goto(`/v/${slug}`);
  await expect(page.getByText(/The storage of the workspace was full/)).toBeVisible();
  await api.becomes(video.id, 'ready');
  expect((await api.video(video.id)).duration_ms).toBeGreaterThan(1_000);

  await page.goto('/settings#storage');
  await expect(page.getByRole('progressbar', { name: 'Storage in use' })).toBeVisible();
});

test('the audit log says who did what, and is saved as a file', async ({
  chrome,
  server,
  api,
  ownersPage: page,
}) => {
  await api.invite(member);
  const video = await api.create('=Budget', 'video/mp4');
  const context = await newPerson(chrome, server.url);
  await signIn(context, member);
  const views = { position_ms: 10, watched_ms: 10, first: true };
  await context.request.post(`/api/videos/${video.id}/views`, { data: views });
  await api.json('PATCH', `/api/videos/${video.id}`, { visibility: 'link' });

  await page.goto('/settings#audit');
  const log = page.getByRole('list', { name: 'Audit log' });
  await expect(log.getByText(/watched “=Budget”/)).toBeVisible();
  await expect(
    log.getByText(/changed who may watch “=Budget” \(visibility: workspace → link\)/),
  ).toBeVisible();
  await page.getByLabel('What').selectOption('video.watched');
  await expect(log.getByRole('listitem')).toHaveCount(1);
  await expect(log).toContainText(member.name);

  const saved = page.waitForEvent('download');
  await page.getByRole('link', { name: 'Save as CSV' }).click();
  const file = await saved;
  expect(file.suggestedFilename()).toMatch(/^meanwhile-audit-.*\.csv$/);
  const text = await (await file.createReadStream()).toArray();
  const csv = Buffer.concat(text as Buffer[]).toString();
  expect(csv).toContain("'=Budget");
  expect(csv).not.toMatch(/,=Budget/);
  expect(csv.trim().split('\r\n')).toHaveLength(2);
  const refused = await context.request.get('/api/audit/export?format=csv');
  expect(refused.status()).toBe(403);
});

test('the settings of a workspace keep nobody out and fit a phone', async ({
  api,
  ownersPage: page,
}) => {
  await inviteAs(api, viewer, 'viewer');
  await api.json('PATCH', `/api/workspaces/${await workspaceOf(api)}`, { quota_bytes: 5e9 });
  const wrong = complaints(await calm(page));
  for (const scheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.goto('/settings');
    await expect(page.getByLabel(`Role of ${viewer.name}`)).toBeVisible();
    await expect(page.getByRole('list', { name: 'Audit log' })).toBeVisible();
    await expectAccessible(page);
    await expectFits(page);
    await page.getByRole('button', { name: `Remove ${viewer.name}` }).click();
    await expect(page.getByRole('dialog')).toBeVisible();
    await expectAccessible(page);
    await page.keyboard.press('Escape');
  }
  await page.getByLabel('Storage in GB').fill('lots');
  await page.getByRole('button', { name: 'Save limits' }).click();
  await expect(page.getByText('The storage must be a number, or empty.')).toBeVisible();
  await page.getByLabel('Storage in GB').fill('2.5');
  await page.getByRole('button', { name: 'Save limits' }).click();
  await expect(page.getByText('of 2.5 GB in use')).toBeVisible();
  const { id } = await api.json<Details>('GET', `/api/workspaces/${await workspaceOf(api)}`);
  expect(id).not.toBe('');
  expect(wrong).toEqual([]);
});
