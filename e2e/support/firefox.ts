import puppeteer, { type Browser, type Page } from 'puppeteer-core';

// Playwright's Firefox is its own build; puppeteer drives the one that Debian
// ships, over WebDriver BiDi. The prefs give it a fake camera and microphone and
// let it play without a click.
const preferences = {
  'media.navigator.streams.fake': true,
  'media.navigator.permission.disabled': true,
  'media.autoplay.default': 0,
  'media.autoplay.blocking_policy': 0,
};

// Only what hangs meets it: as long as a whole test may take.
const patience = 600_000;

/** Starts Firefox ESR with fake devices. */
export async function launchFirefox(): Promise<Browser> {
  const browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath: process.env.FIREFOX ?? '/usr/bin/firefox-esr',
    headless: true,
    extraPrefsFirefox: preferences,
    timeout: patience,
    protocolTimeout: patience,
  });
  const open = browser.newPage.bind(browser);
  browser.newPage = async (...options) => {
    const page = await open(...options);
    page.setDefaultTimeout(patience); // of 30 seconds
    return page;
  };
  return browser;
}

/**
 * Opens an address in a page of its own. In one that is not done loading, whatever
 * it says of itself, Firefox takes the end of that for the end of what it is sent to
 * next, and calls it aborted (NS_BINDING_ABORTED).
 */
export async function openInFirefox(browser: Browser, url: string): Promise<Page> {
  const page = await browser.newPage();
  await page.goto(url);
  return page;
}

/**
 * Plays the page's video from a second on until it has got a second further, with
 * pictures. When renditions become ready, another element takes over.
 */
export async function watchInFirefox(page: Page, from: number): Promise<{ width: number }> {
  await page.waitForFunction(() => {
    const video = document.querySelector<HTMLVideoElement>('video:not([data-standby])');
    return (video?.readyState ?? 0) >= HTMLMediaElement.HAVE_METADATA;
  });
  return page.evaluate(async (start) => {
    const shown = () => document.querySelector<HTMLVideoElement>('video:not([data-standby])')!;
    shown().muted = true;
    shown().currentTime = start;
    // what takes over from it in this moment plays in its place, and it breaks its word
    void shown()
      .play()
      .catch(() => undefined);
    const enough = (video: HTMLVideoElement) =>
      video.currentTime > start + 1 && video.getVideoPlaybackQuality().totalVideoFrames > 5;
    while (!enough(shown())) {
      if (shown().error) throw new Error(`the player failed: ${shown().error!.message}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return { width: shown().videoWidth };
  }, from);
}
