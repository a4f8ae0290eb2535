import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import {
  type Browser,
  type BrowserContext,
  expect,
  type Page,
  test as base,
} from '@playwright/test';

import { Client } from './api.ts';
import { launch, newPerson } from './browser.ts';
import { Line } from './line.ts';
import { owner, Server } from './server.ts';
import { closeWindows, takeHarms } from './watchful.ts';

interface Fixtures {
  /** Extra environment of the server; set it with test.use. */
  environment: Record<string, string>;
  /** A folder that goes away with the test. */
  folder: string;
  /** A running server with one account, the owner's. */
  server: Server;
  /** The API with the owner's session. */
  api: Client;
  /** A line to the server that can be cut. */
  line: Line;
  /** Chromium with fake devices. */
  chrome: Browser;
  /** The owner's window, signed in. */
  owners: BrowserContext;
  /** A page in the owner's window. */
  ownersPage: Page;
  /** Another member's window, signed in. */
  members: BrowserContext;
  /** Errors of pages that a test brings about on purpose; set it with test.use. */
  tolerated: RegExp[];
  /** Fails every test whose pages met an uncaught error or a refusal of their policy. */
  unharmed: void;
}

/** The second account of a test. */
export const member = {
  email: 'member@example.org',
  name: 'Mia Member',
  password: 'another horse battery staple',
};

/** Gives a window the session of an account without clicking through the form. */
export async function signIn(context: BrowserContext, user = owner): Promise<void> {
  const answer = await context.request.post('/api/session', {
    data: { email: user.email, password: user.password },
  });
  if (!answer.ok()) throw new Error(`sign-in answered ${answer.status()}`);
}

export const test = base.extend<Fixtures>({
  environment: [{}, { option: true }],
  tolerated: [[], { option: true }],

  unharmed: [
    async ({ tolerated }, use) => {
      takeHarms();
      await use();
      const harms = takeHarms().filter((harm) => !tolerated.some((known) => known.test(harm)));
      expect(harms, 'no page meets an uncaught error or a refusal of its policy').toEqual([]);
    },
    { auto: true },
  ],

  folder: async ({}, use) => {
    const folder = mkdtempSync(path.join(tmpdir(), 'meanwhile-e2e-'));
    await use(folder);
    rmSync(folder, { recursive: true, force: true });
  },

  server: async ({ folder, environment }, use, info) => {
    const server = new Server(path.join(folder, 'data'), environment);
    await server.start();
    await new Client(server.url).setUp(server.setupToken);
    await use(server);
    await closeWindows();
    await server.stop();
    if (info.status !== info.expectedStatus) {
      console.error(server.log.slice(-25).join('\n')); // an attachment would be cut short
    }
  },

  api: async ({ server }, use) => {
    const client = new Client(server.url);
    await client.signIn();
    await use(client);
  },

  line: async ({ server }, use) => {
    const line = await Line.open(() => server.url);
    await use(line);
    await line.close();
  },

  chrome: async ({}, use) => {
    const browser = await launch();
    await use(browser);
    await browser.close();
  },

  owners: async ({ chrome, server }, use) => {
    const context = await newPerson(chrome, server.url);
    await signIn(context);
    await use(context);
  },

  ownersPage: async ({ owners }, use) => {
    await use(await owners.newPage());
  },

  members: async ({ chrome, server, api }, use) => {
    await api.invite(member);
    const context = await newPerson(chrome, server.url);
    await signIn(context, member);
    await use(context);
  },
});

export { expect } from '@playwright/test';
