// Reads lines {"url", "cookie"}, opens each page in a window that has seen
// nothing yet, and answers with a line about its first picture. bench/firstframe.go
// drives it.
import readline from 'node:readline';

import { chromium } from '@playwright/test';

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'],
});

// In the page: notes the time at which the player has its first picture.
function noteFirstFrame() {
  const look = () => {
    const video = document.querySelector('video');
    if (video && video.readyState >= 2) {
      window.firstFrame = performance.timeOrigin + performance.now();
    } else {
      requestAnimationFrame(look);
    }
  };
  requestAnimationFrame(look);
}

/** @param {{url: string, cookie: string}} order */
async function watch({ url, cookie }) {
  const context = await browser.newContext();
  try {
    const cookies = cookie.split('; ').map((pair) => {
      const [name = '', value = ''] = pair.split('=');
      return { name, value, url };
    });
    await context.addCookies(cookies);
    await context.addInitScript(noteFirstFrame);
    const page = await context.newPage();
    const scripts = [];
    page.on('requestfinished', (request) => {
      if (request.resourceType() === 'script') scripts.push({ request, at: Date.now() });
    });
    await page.goto(url, { waitUntil: 'commit' });
    const seen = await page.waitForFunction(() => window.firstFrame, undefined, {
      timeout: 30_000,
    });
    const firstFrame = await seen.jsonValue();
    let bytes = 0;
    for (const { request, at } of scripts) {
      if (at <= firstFrame) bytes += (await request.sizes()).responseBodySize;
    }
    return { first_frame_ms: firstFrame, script_bytes: bytes };
  } finally {
    await context.close();
  }
}

console.log('{}');
for await (const line of readline.createInterface({ input: process.stdin })) {
  const seen = await watch(JSON.parse(line)).catch((error) => ({ error: String(error) }));
  console.log(JSON.stringify(seen));
}
await browser.close();
