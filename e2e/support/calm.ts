import type { Page } from '@playwright/test';

/**
 * Makes a page whose look does not depend on when one looks, for a machine may stand still between a click and the look:
 * nothing fades in, and toasts stay, as under a pointer that rests on them, where else they go after a few seconds.
 */
export async function calm(page: Page): Promise<Page> {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await page.addInitScript(() => {
    const rest = () =>
      document
        .querySelector('[data-sonner-toaster]')
        ?.dispatchEvent(new MouseEvent('mousemove', { bubbles: true }));
    new MutationObserver(rest).observe(document, { childList: true, subtree: true });
  });
  return page;
}
