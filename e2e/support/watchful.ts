import type { Browser, BrowserContext } from '@playwright/test';

// One test runs at a time in a worker, so that one list will do.
const harms: string[] = [];
const windows = new Set<BrowserContext>();

/** What harmed the pages since the last call: uncaught errors, and what their policies refused. */
export function takeHarms(): string[] {
  return harms.splice(0);
}

/** Closes all windows, before their server goes: a page that still loads then would complain, and rightly. */
export async function closeWindows(): Promise<void> {
  await Promise.all([...windows].map((window) => window.close()));
}

/** Watches every page of a window, its frames and its workers from now on. */
export async function watchContext(context: BrowserContext): Promise<BrowserContext> {
  windows.add(context);
  context.on('close', () => windows.delete(context));
  context.on('weberror', (event) => {
    const { name, message, stack } = event.error();
    // not an error, but how browsers say that an observer's work goes on in the next frame
    if (message.startsWith('ResizeObserver loop')) return;
    harms.push(`${event.page()?.url()}: uncaught ${name}: ${message} ${stack}`);
  });
  context.on('console', (message) => {
    const refused = /Content Security Policy|Trusted|Mixed Content|Permissions policy violation/;
    if (refused.test(message.text())) harms.push(`${message.page()?.url()}: ${message.text()}`);
  });
  await context.exposeBinding('__violated', (source, text: string) => {
    harms.push(`${source.frame.url()}: ${text}`);
  });
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      const { effectiveDirective, blockedURI, sourceFile, lineNumber, sample } = event;
      const told = window as unknown as { __violated: (text: string) => Promise<void> };
      void told.__violated(
        `${effectiveDirective} refused ${blockedURI} (${sourceFile}:${lineNumber} ${sample})`,
      );
    });
  });
  return context;
}

/** Watches every window that a browser opens. */
export function watchBrowser(browser: Browser): Browser {
  const open = browser.newContext.bind(browser);
  browser.newContext = async (...options) => watchContext(await open(...options));
  return browser;
}
