import { defineConfig } from '@playwright/test';

// Each test starts its own server on a free port with a fresh data folder and
// launches the browsers it needs, so nothing is shared but the machine. One
// worker: a browser that encodes video on two cores wants both of them.
export default defineConfig({
  testDir: 'specs',
  outputDir: 'test-results',
  globalSetup: './support/clips.ts',
  workers: 1,
  retries: 0,
  forbidOnly: Boolean(process.env.CI),
  // Only what hangs meets these: five processes, an encoder and two browsers on two
  // cores may each wait long for the others.
  timeout: 600_000,
  expect: { timeout: 90_000 },
  reporter: [['list'], ['html', { open: 'never', outputFolder: 'playwright-report' }]],
});
