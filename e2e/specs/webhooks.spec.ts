import type { Page } from '@playwright/test';

import { complaints, expectAccessible, expectFits } from '../support/look.ts';
import { Receiver, verify } from '../support/receiver.ts';
import { expect, test as base } from '../support/test.ts';

const test = base.extend<{ receiver: Receiver }>({
  receiver: async ({}, use) => {
    const receiver = await Receiver.open();
    await use(receiver);
    receiver.close();
  },
});

test.use({ environment: { MEANWHILE_WEBHOOK_PRIVATE: '127.0.0.1' } });

/** Makes a webhook by clicking, and returns the secret that is shown. */
async function make(page: Page, url: string): Promise<string> {
  await page.goto('/settings#webhooks');
  await page.getByRole('button', { name: 'New webhook' }).click();
  await page.getByLabel('Address').fill(url);
  await page.getByRole('button', { name: 'Create webhook' }).click();
  const secret = page.getByRole('dialog', { name: 'The webhook’s secret' }).locator('code');
  await expect(secret).toHaveText(/^whsec_/);
  const text = await secret.innerText();
  await page.getByRole('button', { name: 'Done' }).click();
  return text;
}

test('a webhook is made, tried and repaired, and its secret is shown once', async ({
  api,
  receiver,
  ownersPage: page,
}) => {
  const errors = complaints(page);
  const secret = await make(page, receiver.url);
  const host = new URL(receiver.url).host;
  await page.getByRole('button', { name: `Manage ${host}` }).click();
  const dialog = page.getByRole('dialog', { name: host });
  await expect(dialog.getByText('Nothing has been sent yet.')).toBeVisible();
  await dialog.getByRole('button', { name: 'Send a test' }).click();
  // a second attempt, or more, where this receiver stood still for longer than the server waits
  const delivered = dialog.getByText(/^Delivered · status 204 · \d+ ms · \d+ attempts?$/);
  await expect(delivered).toBeVisible();
  expect(new Set(receiver.messages.map(({ type, id }) => `${type} ${id}`)).size).toBe(1);
  expect(receiver.messages[0]!.type).toBe('webhook.test');
  expect(verify(secret, receiver.messages[0]!)).toBe(true);
  expect(verify(`whsec_${'A'.repeat(44)}`, receiver.messages[0]!)).toBe(false);
  expect(await page.content()).not.toContain(secret);

  receiver.status = 500;
  const { id } = await api.create('Of which it is told', 'video/mp4');
  await api.json('PATCH', `/api/videos/${id}`, { visibility: 'workspace' });
  await api.json('POST', `/api/videos/${id}/comments`, { at_ms: 0, body: 'Look here' });
  const comments = () => receiver.messages.filter(({ type }) => type === 'comment.created');
  await expect.poll(() => comments().length).toBeGreaterThan(0); // another event may be told first
  await expect(dialog.getByText('The receiver answered 500.').first()).toBeVisible();
  await expect(dialog).not.toContainText('said in private');
  receiver.status = 200;
  await dialog.getByRole('button', { name: 'Send comment.created again' }).click();
  await expect(dialog.getByText(/^Delivered · status 200/).first()).toBeVisible();
  await expect.poll(() => comments().length).toBeGreaterThan(1);
  expect(new Set(comments().map((message) => message.id)).size, 'one event, one id').toBe(1);

  await dialog.getByRole('button', { name: 'New secret' }).click();
  const renewed = page.getByRole('dialog', { name: 'The webhook’s secret' });
  const other = await renewed.locator('code').innerText();
  await renewed.getByRole('button', { name: 'Done' }).click();
  const tests = () => receiver.messages.filter(({ type }) => type === 'webhook.test');
  const before = tests().length; // what failed before may be sent again meanwhile
  await dialog.getByRole('button', { name: 'Send a test' }).click();
  await expect.poll(() => tests().length).toBeGreaterThan(before);
  const last = tests().at(-1)!;
  expect([verify(secret, last), verify(other, last)], 'both for a day').toEqual([true, true]);

  await dialog.getByRole('button', { name: 'Delete', exact: true }).click();
  await page.getByRole('button', { name: 'Delete webhook' }).click();
  await expect(page.getByRole('button', { name: `Manage ${host}` })).toHaveCount(0);
  expect(errors).toEqual([]);
});

test('a webhook that is going is not asked about any more', async ({
  receiver,
  ownersPage: page,
}) => {
  await page.clock.install();
  const late: string[] = [];
  await make(page, receiver.url);
  const host = new URL(receiver.url).host;
  await page.getByRole('button', { name: `Manage ${host}` }).click();
  const dialog = page.getByRole('dialog', { name: host });
  await expect(dialog.getByText('Nothing has been sent yet.')).toBeVisible();
  await page.route('**/api/webhooks/*', async (route) => {
    if (route.request().method() !== 'DELETE') return route.fallback();
    const response = await route.fetch();
    page.on('request', (request) => late.push(`${request.method()} ${request.url()}`));
    await page.clock.fastForward(10_000); // it is gone, and the page does not know yet
    return route.fulfill({ response });
  });
  await dialog.getByRole('button', { name: 'Delete', exact: true }).click();
  await page.getByRole('button', { name: 'Delete webhook' }).click();
  await expect(page.getByRole('button', { name: `Manage ${host}` })).toHaveCount(0);
  await expect.poll(() => late.some((request) => request.endsWith('/api/webhooks'))).toBe(true);
  expect(late.filter((request) => request.endsWith('/deliveries'))).toEqual([]);
});

test('addresses inside are refused in words, and the pages fit', async ({
  receiver,
  ownersPage: page,
}, info) => {
  await page.emulateMedia({ reducedMotion: 'reduce' }); // colours that fade are judged in between
  await page.goto('/settings#webhooks');
  await page.getByRole('button', { name: 'New webhook' }).click();
  await page.getByLabel('Address').fill('https://169.254.169.254/latest/meta-data');
  await page.getByRole('button', { name: 'Create webhook' }).click();
  await expect(page.getByRole('alert')).toContainText('MEANWHILE_WEBHOOK_PRIVATE');
  await page.getByRole('button', { name: 'Cancel' }).click();
  await make(page, receiver.url);
  await page.getByRole('button', { name: /^Manage/ }).click();
  await page.getByRole('button', { name: 'Send a test' }).click();
  await expect(page.getByText(/^Delivered/)).toBeVisible();
  for (const scheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
    await expectAccessible(page);
    await page.screenshot({ path: info.outputPath(`webhook-${scheme}.png`) });
    await page.setViewportSize({ width: 360, height: 740 });
    await page.screenshot({ path: info.outputPath(`webhook-${scheme}-phone.png`) });
    await page.setViewportSize({ width: 1280, height: 800 });
  }
  await expectFits(page);
});
