import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { type Browser, type BrowserContext, chromium } from '@playwright/test';

import { camera, microphone } from './clips.ts';
import { watchBrowser, watchContext } from './watchful.ts';

const common = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** The title of the tab that a recorder shares as its "screen". */
export const sharedTitle = 'The shared tab';

// Never --use-fake-ui-for-media-stream: it would replace the captured tab by a
// test picture and override the choice below.
const devices = [
  '--use-fake-device-for-media-stream=device-count=2,fps=30',
  `--use-file-for-fake-video-capture=${camera}`,
  `--use-file-for-fake-audio-capture=${microphone}`,
  `--auto-select-tab-capture-source-by-title=${sharedTitle}`,
];

const options = {
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [...common, ...devices],
  ignoreDefaultArgs: ['--mute-audio'], // a muted browser records silence from a tab
};

const look = { viewport: { width: 1280, height: 800 } };

/** Starts Chromium with a camera, a microphone and a tab to share. */
export async function launch(...more: string[]): Promise<Browser> {
  return watchBrowser(await chromium.launch({ ...options, args: [...options.args, ...more] }));
}

/** The same with a profile on disk, which outlives the browser. */
export async function launchProfile(profile: string, origin: string): Promise<BrowserContext> {
  const context = await chromium.launchPersistentContext(profile, {
    ...options,
    ...look,
    baseURL: origin,
  });
  await allow(context, origin);
  return watchContext(context);
}

/** A fresh folder for a profile. */
export function newProfile(): string {
  return mkdtempSync(path.join(tmpdir(), 'meanwhile-profile-'));
}

/** A person's window: cookies of its own, allowed to use the devices. */
export async function newPerson(browser: Browser, origin: string): Promise<BrowserContext> {
  const context = await browser.newContext({ ...look, baseURL: origin });
  await allow(context, origin);
  return context;
}

async function allow(context: BrowserContext, origin: string): Promise<void> {
  await context.grantPermissions(['camera', 'microphone', 'clipboard-read', 'clipboard-write'], {
    origin,
  });
}

/** Opens the tab that gets shared: a page on which something always moves. */
export async function openSharedTab(context: BrowserContext): Promise<void> {
  const page = await context.newPage();
  await page.setContent(`<!doctype html><title>${sharedTitle}</title>
    <body style="margin:0;background:#123;color:#fff;font:80px sans-serif"><p id="n">0</p>
    <script>let i = 0; setInterval(() => { n.textContent = ++i }, 40)</script>`);
}
