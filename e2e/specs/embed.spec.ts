import type { Browser, Frame, Page } from '@playwright/test';

import type { Client, Video } from '../support/api.ts';
import { fragmentedMP4 } from '../support/hostile.ts';
import { complaints, expectAccessible } from '../support/look.ts';
import { Site } from '../support/site.ts';
import { expect, test as base } from '../support/test.ts';

const test = base.extend<{ site: Site; tour: Video }>({
  site: async ({}, use) => {
    const site = await Site.open();
    await use(site);
    site.close();
  },
  // A video of twelve seconds that anyone with the link may watch.
  tour: async ({ api }, use) => {
    await api.upload(fragmentedMP4(), 'Tour & <b>more</b>.mp4', 'video/mp4');
    const [video] = await api.videos();
    await api.json('PATCH', `/api/videos/${video!.id}`, { visibility: 'link' });
    await api.becomes(video!.id, 'ready');
    await use(await api.video(video!.id));
  },
});

test.use({ tolerated: [/frame-ancestors/] }); // it is what some of these pages try

const allow = (api: Client, ...origins: string[]) =>
  api.json('PUT', '/api/workspace/embed-origins', { origins });

// What a page of another site keeps of what its frame tells.
const listener = `<script>
  window.told = [];
  addEventListener('message', (event) => told.push({ ...event.data, origin: event.origin }));
  window.say = (message) => document.querySelector('iframe').contentWindow.postMessage(message, '*');
</script>`;

const framed = (address: string, size = 'width=640 height=360') =>
  `${listener}<body style="margin:0"><iframe ${size} style="border:0" allow="autoplay; fullscreen" src="${address}"></iframe>`;

interface Told {
  event: string;
  at_ms: number;
  duration_ms: number;
  paused: boolean;
  origin: string;
}

const told = (page: Page) => page.evaluate(() => (window as unknown as { told: Told[] }).told);

const say = (page: Page, message: unknown) =>
  page.evaluate((it) => (window as unknown as { say: (it: unknown) => void }).say(it), message);

/** A visitor's window, who has never been here. */
async function visit(chrome: Browser, address: string, options = {}): Promise<Page> {
  const context = await chrome.newContext({ viewport: { width: 800, height: 520 }, ...options });
  const page = await context.newPage();
  await page.goto(address);
  return page;
}

function frameOf(page: Page): Frame {
  const frame = page.frames()[1];
  if (!frame) throw new Error('the page has no frame');
  return frame;
}

const timeOf = (frame: Frame) =>
  frame.locator('video').evaluate((video: HTMLVideoElement) => video.currentTime);

/** Waits until a player knows what it plays: only then it can be sent to another second. */
const attached = (frame: Frame) =>
  expect
    .poll(() => frame.locator('video').evaluate((video: HTMLVideoElement) => video.readyState))
    .toBeGreaterThan(0);

/** Waits until a browser has refused to show what is in a page's last frame. */
const expectRefused = (page: Page, message?: string) =>
  expect.poll(() => page.frames().slice(1).at(-1)?.url(), { message }).toMatch(/^chrome-error:/);

test('a site that the workspace lists shows the player: no cookie, a view, a line to the page', async ({
  api,
  chrome,
  server,
  site,
  tour: video,
}) => {
  await allow(api, site.origin);
  const page = await visit(
    chrome,
    site.show('/', framed(`${server.url}/embed/${video.slug}?autoplay=1&muted=1&t=2`)),
  );
  const frame = frameOf(page);
  await expect.poll(() => timeOf(frame), { message: 'it plays by itself' }).toBeGreaterThan(3);
  await expect(frame.getByRole('heading', { name: 'Tour & <b>more</b>.mp4' })).toBeAttached();
  const link = frame.getByRole('link', { name: 'Watch on Meanwhile' });
  expect(await link.getAttribute('href')).toContain(`${server.url}/v/${video.slug}`);
  expect(await link.getAttribute('target')).toBe('_blank');

  expect((await told(page))[0]).toMatchObject({ event: 'ready', origin: server.url });
  await say(page, { meanwhile: 1, command: 'pause' });
  await expect.poll(async () => (await told(page)).at(-1)?.paused).toBe(true);
  await say(page, { meanwhile: 1, command: 'seek', at_ms: 9000 });
  await expect.poll(() => timeOf(frame)).toBe(9);
  await say(page, { meanwhile: 1, command: 'query' });
  await expect
    .poll(async () => (await told(page)).at(-1))
    .toMatchObject({
      event: 'state',
      at_ms: 9000,
      duration_ms: expect.closeTo(12_000, -2) as unknown as number,
      paused: true,
    });
  await say(page, { meanwhile: 1, command: 'play' });
  await expect
    .poll(async () => (await told(page)).some(({ event }) => event === 'ended'))
    .toBe(true);

  expect(await page.context().cookies()).toEqual([]);
  await expect.poll(async () => (await api.video(video.id)).views).toBe(1);
  await page.reload();
  await expect.poll(() => timeOf(frameOf(page))).toBeGreaterThan(6);
  expect((await api.video(video.id)).views, 'the same viewer again').toBe(1);
});

test('nobody else may frame it, and nobody any other page', async ({
  api,
  chrome,
  server,
  site,
  tour: video,
}) => {
  const page = await visit(chrome, site.show('/', framed(`${server.url}/embed/${video.slug}`)));
  await expectRefused(page);

  await allow(api, 'https://wiki.example.org');
  await page.reload();
  await expectRefused(page);

  await allow(api, site.origin);
  for (const path of ['/', '/record', '/settings', `/v/${video.slug}`]) {
    await page.goto(site.show('/other', framed(server.url + path)));
    await expectRefused(page, path);
  }
  await page.goto(site.show('/', framed(`${server.url}/embed/${video.slug}`)));
  await expect(frameOf(page).getByRole('button', { name: 'Play video' })).toBeVisible();

  // The list counts for the page around all, too: a listed page within another site.
  const stranger = await Site.open();
  await page.goto(stranger.show('/', `<iframe src="${site.origin}/"></iframe>`));
  await expectRefused(page);
  stranger.close();
});

test('what another window says to it is not heard', async ({
  api,
  chrome,
  server,
  site,
  tour: video,
}) => {
  await allow(api, site.origin);
  const address = `${server.url}/embed/${video.slug}`;
  const page = await visit(chrome, site.show('/', framed(address)));
  const frame = frameOf(page);
  await expect(frame.getByRole('button', { name: 'Play video' })).toBeVisible();

  // A page that it is no frame of: another frame of the same site, and a foreign one.
  const stranger = await Site.open();
  const script = `<script>top.frames[0].postMessage({ meanwhile: 1, command: 'seek', at_ms: 7000 }, '*')</script>`;
  const foreign = stranger.show('/', script);
  const nephew = site.show('/nephew', script);
  for (const src of [foreign, nephew]) {
    await page.evaluate((from) => {
      const other = document.createElement('iframe');
      other.src = from;
      document.body.append(other);
      return new Promise((resolve) => (other.onload = resolve));
    }, src);
  }
  for (const nonsense of [
    null,
    'play',
    { command: 'play' },
    { meanwhile: 2, command: 'play' },
    { meanwhile: 1, command: 'delete' },
    { meanwhile: 1, command: 'constructor' },
    { meanwhile: 1, command: 'seek', at_ms: '8000' },
    { meanwhile: 1, command: 'seek', at_ms: -1 },
    { meanwhile: 1, command: 'seek', at_ms: Infinity },
  ]) {
    await say(page, nonsense);
  }
  await say(page, { meanwhile: 1, command: 'query' });
  await expect
    .poll(async () => (await told(page)).at(-1))
    .toMatchObject({ event: 'state', at_ms: 0, paused: true });
  stranger.close();

  // Opened by itself it has nobody to listen to.
  const alone = await visit(chrome, address);
  await expect(alone.getByRole('button', { name: 'Play video' })).toBeVisible();
  await attached(alone.mainFrame());
  await alone.evaluate(() => postMessage({ meanwhile: 1, command: 'seek', at_ms: 7000 }, '*'));
  await alone.keyboard.press('l');
  await expect.poll(() => timeOf(alone.mainFrame()), { message: 'keys do work' }).toBe(10);
});

test('what was said, to read and to jump to', async ({
  api,
  chrome,
  server,
  site,
  tour: video,
}) => {
  await allow(api, site.origin);
  const comments = `/api/videos/${video.id}/comments`;
  const first = await api.json<{ id: string }>('POST', comments, {
    at_ms: 6000,
    body: 'Look <here>',
  });
  await api.json('POST', comments, { at_ms: 6000, body: 'An answer', parent_id: first.id });
  const page = await visit(
    chrome,
    site.show('/', framed(`${server.url}/embed/${video.slug}?comments=1`, 'width=640 height=480')),
  );
  const frame = frameOf(page);
  await expect(frame.getByText('Look <here>')).toBeVisible();
  await expect(frame.getByText('An answer')).toBeAttached();
  await expect(frame.getByRole('textbox')).toHaveCount(0);
  await attached(frame);
  await frame.getByRole('button', { name: 'Go to 6 seconds' }).click();
  await expect.poll(() => timeOf(frame)).toBe(6);
  expect(await frame.getByRole('link', { name: 'Answer on Meanwhile' }).getAttribute('href')).toBe(
    `${server.url}/v/${video.slug}`,
  );

  const without = await visit(chrome, `${server.url}/embed/${video.slug}`);
  await expect(without.getByRole('button', { name: 'Play video' })).toBeVisible();
  await expect(without.getByText('Look <here>')).toHaveCount(0);
});

test('what is not for everybody is a card without a word of it', async ({
  api,
  chrome,
  server,
  site,
  tour: video,
}) => {
  await allow(api, site.origin);
  await api.json('PATCH', `/api/videos/${video.id}`, { visibility: 'workspace' });
  const texts: string[] = [];
  for (const slug of [video.slug, 'absent']) {
    const page = await visit(chrome, site.show('/', framed(`${server.url}/embed/${slug}`)));
    const frame = frameOf(page);
    await expect(
      frame.getByRole('heading', { name: 'This video is not shown here' }),
    ).toBeVisible();
    expect(await frame.content()).not.toContain('Tour');
    const link = frame.getByRole('link', { name: 'Open on Meanwhile' });
    expect(await link.getAttribute('href')).toBe(`${server.url}/v/${slug}`);
    texts.push(await frame.locator('body').innerText());
    await page.context().close();
  }
  expect(texts[0]).toBe(texts[1]);
});

test('a link with a password asks for it in the frame, and keeps no cookie', async ({
  api,
  chrome,
  server,
  site,
  tour: video,
}) => {
  await allow(api, site.origin);
  await api.json('PATCH', `/api/videos/${video.id}`, { visibility: 'workspace' });
  const comments = `/api/videos/${video.id}/comments`;
  await api.json('POST', comments, { at_ms: 6000, body: 'Only for those inside' });
  const link = await api.json<{ slug: string }>('POST', `/api/videos/${video.id}/links`, {
    password: 'open sesame',
  });
  const address = `${server.url}/embed/${link.slug}?comments=1`;
  const page = await visit(chrome, site.show('/', framed(address, 'width=640 height=480')));
  const frame = frameOf(page);
  const password = frame.getByRole('textbox', { name: 'Password' });
  await expect(password).toBeVisible();
  expect(await frame.content()).not.toContain('Tour');
  await password.fill('wrong');
  await password.press('Enter');
  await expect(frame.getByRole('alert').filter({ hasText: 'not the password' })).toBeVisible();
  await password.fill('open sesame');
  await password.press('Enter');
  await frame.getByRole('button', { name: 'Play video' }).click();
  await expect.poll(() => timeOf(frame)).toBeGreaterThan(1);
  await expect(frame.getByText('Only for those inside')).toBeVisible();
  expect(await page.context().cookies()).toEqual([]);
});

test('what to put where is ready to be copied', async ({ api, ownersPage: page, tour: video }) => {
  await page.goto(`/v/${video.slug}`);
  await page.getByRole('button', { name: /^Share/ }).click();
  await page.getByRole('tab', { name: 'Embed' }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog.getByText(`/embed/${video.slug}`)).toBeVisible();
  await expect(dialog.getByRole('link', { name: 'List the sites that may' })).toBeVisible();
  await expectAccessible(page);
  await allow(api, 'https://wiki.example.org');
  await page.reload();
  await page.getByRole('button', { name: /^Share/ }).click();
  await page.getByRole('tab', { name: 'Embed' }).click();
  await dialog.getByRole('tab', { name: 'Markdown' }).click();
  await expect(dialog.getByText(`/v/${video.slug}/poster.jpg`)).toBeVisible();
  await dialog.getByRole('button', { name: 'Copy', exact: true }).click();
  await expect
    .poll(() => page.evaluate(() => navigator.clipboard.readText()))
    .toContain(`](${video.watch_url})`);
  for (const name of ['poster.jpg', 'preview.webp']) {
    const picture = async () => {
      const answer = await fetch(`${video.watch_url}/${name}`);
      return `${answer.status} ${answer.headers.get('content-type')}`;
    };
    // its pictures are made beside its renditions
    await expect.poll(picture, { message: name }).toMatch(/^200 image/);
  }
});

test('embed.js makes a player of an element, and of nobody else’s', async ({
  api,
  chrome,
  server,
  site,
  tour: video,
}) => {
  await allow(api, site.origin);
  const page = await visit(
    chrome,
    site.show(
      '/',
      `<body style="margin:0"><div id="ours" data-meanwhile="${video.watch_url}" data-t="4"></div>
      <div id="later"></div><div id="other" data-meanwhile="https://evil.example/v/x">nothing</div>
      <div id="code" data-meanwhile="javascript:alert(1)">nothing</div>
      <script async src="${server.url}/embed.js"></script>`,
    ),
  );
  await expect(page.locator('#ours iframe')).toHaveAttribute(
    'src',
    `${server.url}/embed/${video.slug}?t=4`,
  );
  await expect(
    page.frameLocator('#ours iframe').getByRole('button', { name: 'Play video' }),
  ).toBeVisible();
  const box = await page.locator('#ours iframe').boundingBox();
  expect(Math.round((box!.width / box!.height) * 100)).toBe(178);
  expect(await page.locator('#other').innerText()).toBe('nothing');
  expect(await page.locator('#code').innerText()).toBe('nothing');
  await page.evaluate((url) => {
    document.getElementById('later')!.dataset.meanwhile = url;
    (window as unknown as { meanwhileEmbed: { scan: () => void } }).meanwhileEmbed.scan();
  }, video.watch_url);
  await expect(page.locator('iframe')).toHaveCount(2);
});

for (const scheme of ['light', 'dark'] as const) {
  test(`frames small and large, in the ${scheme}`, async ({
    api,
    chrome,
    server,
    tour: video,
  }, info) => {
    const comments = `/api/videos/${video.id}/comments`;
    await api.json('POST', comments, { at_ms: 6000, body: 'Here it gets interesting' });
    for (const [width, height, query] of [
      [320, 180, ''],
      [640, 360, ''],
      [320, 420, '?comments=1'],
      [960, 400, '?comments=1'],
    ] as const) {
      const page = await visit(chrome, `${server.url}/embed/${video.slug}${query}`, {
        viewport: { width, height },
        colorScheme: scheme,
        reducedMotion: 'reduce',
      });
      const found = complaints(page);
      await expect(page.getByRole('button', { name: 'Play video' })).toBeVisible();
      if (query) await expect(page.getByText('Here it gets interesting')).toBeVisible();
      await expectAccessible(page);
      await page.screenshot({ path: info.outputPath(`${width}x${height}.png`) });
      for (const slug of ['absent']) {
        await page.goto(`${server.url}/embed/${slug}`);
        await expect(page.getByRole('link', { name: 'Open on Meanwhile' })).toBeInViewport();
        await expectAccessible(page);
        await page.screenshot({ path: info.outputPath(`${slug}-${width}x${height}.png`) });
      }
      expect(found.filter((line) => !/absent.*404/.test(line))).toEqual([]);
      await page.context().close();
    }
  });
}
