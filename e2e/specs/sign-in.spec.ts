import { readFileSync } from 'node:fs';

import type { Page } from '@playwright/test';

import { newPerson } from '../support/browser.ts';
import { calm } from '../support/calm.ts';
import { codeOf } from '../support/codes.ts';
import { expectAccessible, expectFits } from '../support/look.ts';
import { MailServer } from '../support/mail.ts';
import { Provider } from '../support/provider.ts';
import { owner, Server } from '../support/server.ts';
import { expect, member, signIn, test as base } from '../support/test.ts';

/** A server with a mail server and another service to sign in by. */
const test = base.extend<{ mail: MailServer; provider: Provider }>({
  mail: async ({}, use) => {
    const mail = await MailServer.open();
    await use(mail);
    await mail.close();
  },
  provider: async ({}, use) => {
    const provider = await Provider.open();
    await use(provider);
    await provider.close();
  },
  environment: async ({ mail, provider }, use) => {
    await use({
      MEANWHILE_SMTP_URL: mail.url,
      MEANWHILE_MAIL_FROM: 'Meanwhile <video@example.org>',
      ...provider.environment,
    });
  },
});

/** Gives a page a device that keeps passkeys and says yes. */
async function addAuthenticator(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page);
  await session.send('WebAuthn.enable');
  await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
}

async function typePassword(page: Page): Promise<void> {
  await page.getByLabel('E-mail').fill(owner.email);
  await page.getByRole('textbox', { name: 'Password' }).fill(owner.password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
}

async function signOut(page: Page): Promise<void> {
  await page.getByRole('button', { name: /^Account of/ }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await expect(page).toHaveURL(/\/sign-in/);
}

async function expectIn(page: Page, name = owner.name): Promise<void> {
  await expect(page.getByRole('button', { name: `Account of ${name}` })).toBeVisible();
}

/** What the link of a letter leads to. */
function linkIn(text: string): string {
  return /\S+\/sign-in\/link#\S+/.exec(text)?.[0] ?? '';
}

test('a link by mail signs in once, and its token stays out of the address', async ({
  chrome,
  server,
  mail,
}) => {
  const page = await calm(await (await newPerson(chrome, server.url)).newPage());
  await page.goto('/settings');
  await page.getByLabel('E-mail').fill(owner.email);
  await page.getByRole('button', { name: 'Mail me a link' }).click();
  await expect(page.getByRole('heading', { name: 'Look into your mail' })).toBeVisible();
  await expectAccessible(page);

  const link = linkIn((await mail.letter(owner.email, /link to sign in/)).text);
  // What a program that looks for harm does first must not use it up.
  expect((await page.request.get(link)).status()).toBe(200);
  await page.goto(link);
  await expect(page).toHaveURL(/\/sign-in\/link$/);
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page).toHaveURL(/\/settings$/);
  await expectIn(page);

  // Whoever forgot the password sets another one without it.
  await page.getByRole('textbox', { name: 'New password' }).fill('a new horse battery staple');
  await page.getByRole('button', { name: 'Set password' }).click();
  await expect(page.getByText('Password set')).toBeVisible();
  await mail.letter(owner.email, /password was changed/);

  const other = await (await newPerson(chrome, server.url)).newPage();
  await other.goto(link);
  await other.getByRole('button', { name: 'Sign in' }).click();
  await expect(other.getByRole('heading', { name: 'This link does not work' })).toBeVisible();
  expect(server.log.join('\n')).not.toContain(new URLSearchParams(link.split('#')[1]).get('token'));
});

test('asking for a link says the same for an address that nobody has', async ({
  chrome,
  server,
  mail,
}) => {
  const page = await calm(await (await newPerson(chrome, server.url)).newPage());
  for (const email of ['nobody@example.org', owner.email]) {
    await page.goto('/sign-in');
    await page.getByLabel('E-mail').fill(email);
    await page.getByRole('button', { name: 'Mail me a link' }).click();
    await expect(page.getByText('can sign in here')).toHaveText(
      `If ${email} can sign in here, a link is on its way. It works once, for 30 minutes, and only the newest one does.`,
    );
  }
  await mail.letter(owner.email, /link to sign in/);
  expect(mail.letters.filter(({ to }) => to === 'nobody@example.org')).toHaveLength(0);
});

test('a passkey is made, named, signs in, and is removed', async ({ ownersPage: page, mail }) => {
  await addAuthenticator(await calm(page));
  await page.goto('/settings');
  await page.getByRole('button', { name: 'Add a passkey' }).click();
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('The laptop');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(page.getByRole('list', { name: 'Passkeys' })).toContainText('The laptop');
  await mail.letter(owner.email, /passkey was added/);

  await signOut(page);
  // The browser may offer it by itself before the button is reached: then nobody clicks.
  const clicked = page
    .getByRole('button', { name: 'Use a passkey' })
    .click()
    .catch(() => undefined);
  await Promise.race([clicked, expectIn(page)]);
  await expectIn(page);
  await page.goto('/settings');
  await expect(page.getByRole('list', { name: /signed in/ })).toContainText('by passkey');

  await page
    .getByRole('list', { name: 'Passkeys' })
    .getByRole('button', { name: 'Remove' })
    .click();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
  await expect(page.getByText('Passkey removed')).toBeVisible();
  await expect(page.getByRole('list', { name: 'Passkeys' })).toHaveCount(0);
});

test('codes of an app are the second step, and a recovery code gets in once', async ({
  ownersPage: page,
  mail,
}) => {
  await calm(page);
  await page.goto('/settings');
  await page.getByRole('button', { name: 'Turn on codes' }).click();
  const secret = (await page.getByRole('dialog').locator('code').textContent()) ?? '';
  await expectAccessible(page);
  await expectFits(page);
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('textbox', { name: 'Code' }).fill('000000');
  await dialog.getByRole('button', { name: 'Turn on' }).click();
  await expect(dialog.getByRole('alert').filter({ hasText: 'not right' })).toBeVisible();
  // one step late or early is good: this code for half a minute at least, the next one for a whole
  await dialog.getByRole('textbox', { name: 'Code' }).fill(codeOf(secret));
  await dialog.getByRole('button', { name: 'Turn on' }).click();
  const codes = page.getByRole('list', { name: 'Recovery codes' }).getByRole('listitem');
  await expect(codes).toHaveCount(10);
  const recovery = (await codes.first().textContent()) ?? '';
  await expectAccessible(page);
  await page.getByLabel('I have put them away.').check();
  await page.getByRole('button', { name: 'Done' }).click();
  await mail.letter(owner.email, /asks for a code/);

  await signOut(page);
  await page.goto('/record');
  await typePassword(page);
  await expect(page).toHaveURL(/\/sign-in\/code/);
  await expectAccessible(page);
  await expectFits(page);
  await page.getByLabel('Code').fill('000000');
  await page.getByRole('button', { name: 'Continue' }).click();
  await expect(page.getByRole('alert').first()).toContainText('not right');
  await page.getByLabel('Code').fill(codeOf(secret, 1));
  await page.getByRole('button', { name: 'Continue' }).click();
  await expect(page).toHaveURL(/\/record$/);

  await page.goto('/');
  await signOut(page);
  await typePassword(page);
  await page.getByLabel('Code').fill(recovery);
  await page.getByRole('button', { name: 'Continue' }).click();
  await expectIn(page);
  await mail.letter(owner.email, /recovery code was used/);

  await page.goto('/');
  await signOut(page);
  await typePassword(page);
  await page.getByLabel('Code').fill(recovery);
  await page.getByRole('button', { name: 'Continue' }).click();
  await expect(page.getByRole('alert').first()).toContainText('not right');
});

test('another service signs in somebody new, and is linked to who was here before', async ({
  chrome,
  server,
  provider,
}) => {
  const page = await calm(await (await newPerson(chrome, server.url)).newPage());
  await page.goto('/record');
  await page.getByRole('button', { name: 'Continue with Example ID' }).click();
  await expect(page).toHaveURL(/\/record$/);
  await page.goto('/');
  await expectIn(page, 'Pat Provided');

  // The owner's address at the provider opens nothing by itself …
  provider.person = { ...provider.person, sub: '2', email: owner.email, name: 'Olive' };
  const owners = await calm(await (await newPerson(chrome, server.url)).newPage());
  await owners.goto('/sign-in');
  await owners.getByRole('button', { name: 'Continue with Example ID' }).click();
  await expect(owners.getByRole('alert').first()).toContainText('Sign in to it another way once');
  await expectAccessible(owners);
  // … until the owner has linked it.
  await typePassword(owners);
  await expectIn(owners);
  await owners.goto('/settings');
  await owners.getByRole('button', { name: 'Link Example ID' }).click();
  await expect(owners.getByRole('list', { name: 'Linked accounts' })).toContainText(owner.email);
  await signOut(owners);
  await owners.getByRole('button', { name: 'Continue with Example ID' }).click();
  await expectIn(owners);
});

test('a session that is ended elsewhere is out at once', async ({ chrome, server, ownersPage }) => {
  const elsewhere = await newPerson(chrome, server.url);
  await signIn(elsewhere);
  const lost = await elsewhere.newPage();
  await lost.goto('/');
  await expectIn(lost);

  await calm(ownersPage);
  await ownersPage.goto('/settings');
  const sessions = ownersPage.getByRole('list', { name: /signed in/ });
  await expect(sessions.getByText('This one')).toHaveCount(1);
  await ownersPage.getByRole('button', { name: 'Sign out everywhere else' }).click();
  await expect(ownersPage.getByText('Signed out everywhere else')).toBeVisible();
  await expect(sessions.getByRole('listitem')).toHaveCount(1);
  const session = await elsewhere.request.get('/api/session');
  expect(((await session.json()) as { account: unknown }).account).toBeNull();
  await lost.reload();
  await expect(lost).toHaveURL(/\/sign-in/);
  await expectIn(ownersPage);
});

test('an address is proved by a mail, the data is taken along, and the account removed', async ({
  members,
  mail,
  api,
}) => {
  const page = await calm(await members.newPage());
  await page.goto('/settings');
  await page.getByRole('button', { name: 'Mail me a link' }).click();
  await page.goto(linkIn((await mail.letter(member.email, /link to sign in/)).text));
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page).toHaveURL(/\/settings$/);
  await expectIn(page, member.name);
  await expect(page.getByText('Confirm that')).toHaveCount(0);

  const saving = page.waitForEvent('download');
  await page.getByRole('link', { name: 'Export my data' }).click();
  const saved = JSON.parse(readFileSync(await (await saving).path(), 'utf8')) as {
    account: { email: string };
  };
  expect(saved.account.email).toBe(member.email);

  await page.getByRole('button', { name: 'Delete my account' }).click();
  const dialog = page.getByRole('dialog');
  await expectAccessible(page);
  await dialog.getByLabel(/to confirm/).fill('somebody@example.org');
  await dialog.getByRole('button', { name: 'Delete my account' }).click();
  await expect(dialog.getByRole('alert').first()).toContainText('not the address');
  await dialog.getByLabel(/to confirm/).fill(member.email);
  await dialog.getByRole('button', { name: 'Delete my account' }).click();
  await expect(page).toHaveURL(/\/sign-in$/);
  const { items } = await api.json<{ items: unknown[] }>('GET', '/api/accounts');
  expect(items).toHaveLength(1);
});

test('the pages offer just what there is, fit a phone and shut nobody out', async ({
  chrome,
  server,
  folder,
  ownersPage,
}) => {
  await calm(ownersPage);
  await ownersPage.goto('/settings');
  await expect(ownersPage.getByRole('heading', { name: 'Security' })).toBeVisible();
  await expectAccessible(ownersPage);
  await expectFits(ownersPage);
  const page = await calm(await (await newPerson(chrome, server.url)).newPage());
  await page.goto('/sign-in?next=https://evil.example/');
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await expect(page.getByRole('button', { name: 'Continue with Example ID' })).toBeVisible();
    await expectAccessible(page);
    await expectFits(page);
  }
  await typePassword(page);
  await expect(page).toHaveURL(`${server.url}/`);

  const plain = new Server(`${folder}/plain`);
  await plain.start();
  try {
    const { sign_in: ways } = (await (await fetch(`${plain.url}/api/session`)).json()) as {
      sign_in: unknown;
    };
    expect(ways).toEqual({ link: false, passkey: true, oidc: '' });
  } finally {
    await plain.stop();
  }
});
