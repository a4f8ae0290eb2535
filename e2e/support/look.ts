import { AxeBuilder } from '@axe-core/playwright';
import { expect, type Page } from '@playwright/test';

/** Collects what a page complains about: errors of scripts, of requests and of its security policy. */
export function complaints(page: Page): string[] {
  const found: string[] = [];
  page.on('pageerror', (error) => found.push(`${page.url()}: ${error.message}`));
  page.on('console', (message) => {
    const bad = message.type() === 'error' || /Content Security Policy/.test(message.text());
    if (bad) found.push(`${page.url()}: ${message.text()} (${message.location().url})`);
  });
  return found;
}

/** Waits until what fades or slides in is there: half of it has too little contrast. */
async function settled(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const ends = (animation: Animation) => {
      const end = animation.effect?.getComputedTiming().endTime;
      return animation.playState === 'running' && typeof end === 'number' && end < Infinity;
    };
    const all = document.getAnimations().filter(ends);
    await Promise.all(all.map((animation) => animation.finished.catch(() => undefined)));
  });
}

/** Expects that nobody is kept out: nothing that axe calls serious or critical. */
export async function expectAccessible(page: Page): Promise<void> {
  await settled(page);
  const { violations } = await new AxeBuilder({ page }).analyze();
  const grave = violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => ({ id, where: nodes.map((n) => `${n.html}: ${n.failureSummary}`) }));
  expect.soft(grave, page.url()).toEqual([]);
}

/** Expects that a page fits a small phone without scrolling sideways; names what sticks out. */
export async function expectFits(page: Page): Promise<void> {
  const before = page.viewportSize();
  await page.setViewportSize({ width: 360, height: 740 });
  const outside = () =>
    page.evaluate(() => {
      const root = document.documentElement;
      if (root.scrollWidth <= root.clientWidth) return [];
      return [...document.querySelectorAll('body *')]
        .filter((element) => element.getBoundingClientRect().right > root.clientWidth + 1)
        .map((element) => element.outerHTML.slice(0, 160));
    });
  await expect.poll(outside, { message: page.url() }).toEqual([]);
  if (before) await page.setViewportSize(before);
}
