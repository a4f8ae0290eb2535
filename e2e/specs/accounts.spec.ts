import path from 'node:path';

import { newPerson } from '../support/browser.ts';
import { owner, Server } from '../support/server.ts';
import { expect, member, test } from '../support/test.ts';

const fresh = test.extend<{ fresh: Server; settings: Record<string, string> }>({
  settings: [{}, { option: true }],
  fresh: async ({ folder, settings }, use) => {
    const server = new Server(path.join(folder, 'fresh'), settings);
    await server.start();
    await use(server);
    await server.stop();
  },
});

fresh('the first visit makes the owner, and only with the token', async ({ fresh, chrome }) => {
  const context = await newPerson(chrome, fresh.url);
  const page = await context.newPage();
  await page.goto('/');
  await expect(page).toHaveURL(/\/setup$/);
  await expect(page.getByText('waits for its owner')).toBeVisible();
  await expect(page.getByRole('textbox', { name: 'Password' })).toHaveCount(0);

  await page.goto(`/setup?token=${fresh.setupToken}`);
  await page.getByLabel('Your name').fill(owner.name);
  await page.getByLabel('E-mail').fill(owner.email);
  await page.getByRole('textbox', { name: 'Password' }).fill(owner.password);
  await page.getByRole('button', { name: 'Create account' }).click();
  await expect(page.getByText('Make the first recording')).toBeVisible();

  const stranger = await newPerson(chrome, fresh.url);
  const answer = await stranger.request.post('/api/setup', {
    data: { ...member, token: fresh.setupToken },
  });
  expect(answer.status()).toBeGreaterThanOrEqual(400);
});

test('sign in, sign out, and a wrong password', async ({ chrome, server }) => {
  const context = await newPerson(chrome, server.url);
  const page = await context.newPage();
  await page.goto('/record');
  await expect(page).toHaveURL(/\/sign-in/);
  await page.getByLabel('E-mail').fill(owner.email);
  await page.getByRole('textbox', { name: 'Password' }).fill('not the password');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('alert').first()).toBeVisible();
  await page.getByRole('textbox', { name: 'Password' }).fill(owner.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page).toHaveURL(/\/record$/);

  const cookie = (await context.cookies()).find(({ name }) => name === 'meanwhile_session');
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Lax' });

  await page.getByRole('button', { name: /^Account of/ }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await expect(page).toHaveURL(/\/sign-in/);
  await context.addCookies([{ ...cookie!, domain: 'localhost', path: '/' }]);
  const session = await context.request.get('/api/session');
  expect(((await session.json()) as { account: unknown }).account).toBeNull();
});

test('a second person joins by an invitation', async ({ chrome, server, api }) => {
  const { url } = await api.json<{ url: string }>('POST', '/api/invitations', {});
  const context = await newPerson(chrome, server.url);
  const page = await context.newPage();
  await page.goto(new URL(url, server.url).pathname);
  await expect(page.getByRole('heading', { name: `${owner.name} invites you` })).toBeVisible();
  await page.getByLabel('Your name').fill(member.name);
  await page.getByLabel('E-mail').fill(member.email);
  await page.getByRole('textbox', { name: 'Password' }).fill(member.password);
  await page.getByRole('button', { name: 'Join' }).click();
  await expect(page.getByRole('button', { name: `Account of ${member.name}` })).toBeVisible();

  await page.goto(new URL(url, server.url).pathname);
  await expect(page.getByText('This invitation does not work')).toBeVisible();
});

test('a change from another site is refused', async ({ server, api }) => {
  const answer = await api.request(
    'POST',
    '/api/videos',
    { title: 'forged' },
    { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
  );
  expect(answer.status).toBe(403);
  expect(await api.videos()).toHaveLength(0);
  expect(server.pid).toBeGreaterThan(0);
});

fresh.describe('a server without a sandbox', () => {
  fresh.use({ settings: { MEANWHILE_SANDBOX: 'off' } });

  fresh('whoever looks after it is told so on every page', async ({ fresh, chrome }) => {
    const context = await newPerson(chrome, fresh.url);
    await context.request.post('/api/setup', { data: { ...owner, token: fresh.setupToken } });
    const page = await context.newPage();
    for (const path of ['/', '/settings']) {
      await page.goto(path);
      await expect(page.getByText(/worked on without a sandbox/)).toBeVisible();
    }
    await page.screenshot({ path: test.info().outputPath('warning.png') });
  });
});
