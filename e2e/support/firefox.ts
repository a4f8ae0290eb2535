import puppeteer, { type Browser } from 'puppeteer-core';

// Playwright's Firefox is its own build; puppeteer drives the one that Debian
// ships, over WebDriver BiDi. The prefs give it a fake camera and microphone and
// let it play without a click.
const preferences = {
  'media.navigator.streams.fake': true,
  'media.navigator.permission.disabled': true,
  'media.autoplay.default': 0,
  'media.autoplay.blocking_policy': 0,
};

/** Starts Firefox ESR with fake devices. */
export function launchFirefox(): Promise<Browser> {
  return puppeteer.launch({
    browser: 'firefox',
    executablePath: process.env.FIREFOX ?? '/usr/bin/firefox-esr',
    headless: true,
    extraPrefsFirefox: preferences,
  });
}
