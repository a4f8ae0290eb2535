import type { BrowserContext, Page, Response } from '@playwright/test';

import { Client } from '../support/api.ts';
import { calm } from '../support/calm.ts';
import { tlsFor } from '../support/certificate.ts';
import { fragmentedMP4 } from '../support/hostile.ts';
import { play } from '../support/player.ts';
import { owner } from '../support/server.ts';
import { expect, signIn, test as base } from '../support/test.ts';
import { takeHarms } from '../support/watchful.ts';

const test = base.extend<{ secure: boolean; window: BrowserContext }>({
  secure: [false, { option: true }],

  // The same server, by https with a certificate of its own.
  environment: async ({ secure, folder }, use) => {
    const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    if (secure) process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    await use(secure ? tlsFor(folder) : {});
    if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
  },

  window: async ({ chrome, server }, use) => {
    await use(await chrome.newContext({ baseURL: server.url, ignoreHTTPSErrors: true }));
  },
});

const policy = new RegExp(
  [
    /^default-src 'none'; script-src 'nonce-(\w+)'; style-src 'nonce-\1'; img-src 'self'; /,
    /media-src 'self' blob:; connect-src 'self'; worker-src 'self'; object-src 'none'; /,
    /base-uri 'none'; form-action 'self'; frame-ancestors 'none'; /,
    /require-trusted-types-for 'script'; trusted-types default(; upgrade-insecure-requests)?$/,
  ]
    .map(({ source }) => source)
    .join(''),
);

async function expectSafe(answer: Response | null): Promise<void> {
  const headers = (await answer?.allHeaders()) ?? {};
  expect(headers['content-security-policy'], answer?.url()).toMatch(policy);
  expect(headers).toMatchObject({
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
  });
  expect(headers['permissions-policy']).toContain('geolocation=()');
  expect(headers['access-control-allow-origin']).toBeUndefined();
}

/** Collects what pages ask of anybody but their own server. */
function strangers(context: BrowserContext, origin: string): string[] {
  const found: string[] = [];
  context.on('request', (request) => {
    const url = new URL(request.url());
    if (url.origin !== origin && !['blob:', 'data:'].includes(url.protocol)) found.push(url.href);
  });
  return found;
}

for (const secure of [false, true]) {
  test.describe(secure ? 'https' : 'http', () => {
    test.use({ secure, tolerated: [/frame-ancestors/] }); // which another site tries

    test('every page has its policy, keeps to it, and asks nobody else', async ({
      server,
      api,
      window,
    }) => {
      expect(server.url).toMatch(secure ? /^https:/ : /^http:/);
      await api.upload(fragmentedMP4(), 'clip.mp4', 'video/mp4');
      const [video] = await api.videos();
      await api.becomes(video?.id ?? '', 'ready');
      const invitation = await api.json<{ url: string }>('POST', '/api/invitations', {});
      const asked = strangers(window, new URL(server.url).origin);
      const page = await calm(await window.newPage());

      const open = async (path: string, sign: string | RegExp) => {
        await expectSafe(await page.goto(path));
        await expect(page.getByText(sign).first()).toBeVisible();
      };
      await open('/sign-in', 'Sign in');
      await open(new URL(invitation.url, server.url).pathname, /invites you/);
      await open('/setup', /.+/);
      await signIn(window);
      await open('/', 'clip.mp4');
      await page.getByRole('button', { name: 'Actions for clip.mp4' }).click(); // locks scrolling
      await expect(page.getByRole('menu')).toBeVisible();
      await page.keyboard.press('Escape');
      await open('/?show=trash', 'The trash is empty');
      await open('/record', /^Screen \+ camera/);
      await open('/settings', owner.email);
      await open('/api/docs', /^\/api\/videos$/);
      await open('/nowhere', /.+/);
      await open(`/v/${video?.slug}`, 'clip.mp4');
      await play(page);
      await page.keyboard.press('?');
      await expect(page.getByRole('dialog')).toBeVisible();
      await page.keyboard.press('Escape');
      await page.getByRole('button', { name: 'Copy link' }).click();
      await expect(page.locator('[data-sonner-toast]')).toBeVisible();
      const toast = page.locator('[data-sonner-toaster]');
      await expect(toast).toHaveCSS('position', 'fixed'); // its styles came as a file
      expect(asked).toEqual([]);
    });

    test('the cookie is for this host and no script', async ({ server, window }) => {
      await signIn(window);
      const [cookie, ...others] = await window.cookies();
      expect(others).toEqual([]);
      expect(cookie).toMatchObject({
        name: secure ? '__Host-meanwhile_session' : 'meanwhile_session',
        ...{ domain: 'localhost', path: '/', httpOnly: true, secure, sameSite: 'Lax' },
      });
      const page = await window.newPage();
      await page.goto(server.url);
      expect(await page.evaluate(() => document.cookie)).toBe('');
    });

    test('no other site frames a page, reads an answer or changes anything', async ({
      server,
      api,
      window,
    }) => {
      await signIn(window);
      const evil = secure ? 'https://evil.example' : 'http://evil.example';
      const html = (body: string) => ({ contentType: 'text/html', body });
      await window.route(`${evil}/**`, (route) => route.fulfill(html('<p>evil</p>')));
      const page = await window.newPage();

      for (const path of ['/', '/sign-in', '/settings', '/api/session', '/healthz']) {
        await page.goto(evil);
        await frame(page, server.url + path);
        await expect.poll(() => page.frames()[1]?.url()).toMatch(/^chrome-error:/);
      }
      const read = await page.evaluate(async (url) => {
        const answer = fetch(url, { credentials: 'include' });
        return answer.then((found) => found.text()).catch(() => 'refused');
      }, `${server.url}/api/session`);
      expect(read).toBe('refused');
      for (const type of ['text/plain', 'application/x-www-form-urlencoded']) {
        const sent = page.evaluate(
          ([url, enctype]) =>
            fetch(url!, {
              method: 'POST',
              mode: 'no-cors',
              credentials: 'include',
              headers: { 'content-type': enctype! },
              body: '{"title":"forged"}',
            }).then(
              () => 'sent',
              () => 'refused',
            ),
          [`${server.url}/api/videos`, type],
        );
        expect(['sent', 'refused']).toContain(await sent);
      }
      expect(await api.videos()).toEqual([]);
    });
  });
}

async function frame(page: Page, url: string): Promise<void> {
  await page.evaluate((src) => {
    const element = document.createElement('iframe');
    element.src = src;
    document.body.append(element);
  }, url);
}

// The control: were something to get into a page, it would neither run nor go unnoticed.
const control = test.extend({
  tolerated: async ({}, use) => use([/-src|trusted-types|Trusted/]), // some are told late
});

control('what gets into a page does not run, and is noticed', async ({ ownersPage: page }) => {
  await page.goto('/');
  await expect(page.getByRole('heading').first()).toBeVisible();
  const ran = await page.evaluate(async () => {
    const marks = window as unknown as Record<string, boolean>;
    const attempt = (run: () => void) => {
      try {
        run();
      } catch {
        // refused at once
      }
    };
    const script = (fill: (element: HTMLScriptElement) => void) => {
      const element = document.createElement('script');
      attempt(() => fill(element));
      document.body.append(element);
    };
    script((element) => element.append('window.inline = true'));
    script((element) => (element.text = 'window.text = true'));
    script((element) => (element.src = 'data:text/javascript,window.data = true'));
    attempt(() => (document.body.innerHTML += '<img src=x onerror="window.handler = true">'));
    // later, for what a test evaluates may evaluate
    setTimeout(() => attempt(() => new Function('window.made = true')()));
    setTimeout(() => {
      const code = 'data:text/javascript,window.imported = true';
      void import(code).catch(() => undefined);
    });
    attempt(() => new Worker('blob:nothing'));
    attempt(() => document.body.setAttribute('onclick', 'window.clicked = true'));
    document.body.click();
    const style = document.createElement('style');
    style.append('body { outline: 3px solid red }');
    document.head.append(style);
    await new Promise((resolve) => setTimeout(resolve, 300));
    const names = ['inline', 'text', 'data', 'handler', 'made', 'imported', 'clicked'];
    return [
      ...names.filter((name) => marks[name]),
      getComputedStyle(document.body).outlineStyle === 'none' ? '' : 'style',
    ].filter(Boolean);
  });
  expect(ran).toEqual([]);
  // the page tells of them one by one
  let harms = '';
  const noticed = () => (harms += takeHarms().join('\n'));
  for (const directive of ['script-src', 'style-src', 'require-trusted-types-for']) {
    await expect.poll(noticed).toContain(directive);
  }
});

// A worker outlives the page's own checks: it is bound by the policy of its file.
test('a file of the application is no document and talks to nobody', async ({ server }) => {
  const client = new Client(server.url);
  const shell = await (await client.request('GET', '/')).text();
  const [, script] = /src="(\/assets\/[^"]+\.js)"/.exec(shell) ?? [];
  const answer = await client.request('GET', script ?? '');
  expect(answer.headers.get('content-security-policy')).toMatch(
    /^default-src 'none'; script-src 'self'; /,
  );
  expect(answer.headers.get('content-type')).toContain('text/javascript');
});
