import { describe, expect, it } from 'vitest';
import {
  frameSize,
  iframeSnippet,
  mailSnippet,
  markdownSnippet,
  scriptSnippet,
  type Shown,
} from './snippets';

const video: Shown = {
  title: 'Tour',
  url: 'https://video.example.org/v/abc',
  width: 1280,
  height: 720,
  moving: true,
};
const hostile = [
  '"><img src=x onerror=alert(1)>',
  '</script><script>alert(1)</script>',
  "' onload='alert(1)",
  '](javascript:alert(1)) [x',
  'a\n\n# b',
  '`x` <b> &amp; | _y_',
];

describe('what is put into other pages', () => {
  it('names the player, the script and the pictures', () => {
    expect(iframeSnippet(video)).toContain('src="https://video.example.org/embed/abc"');
    expect(iframeSnippet(video)).toContain('width="640" height="360"');
    expect(scriptSnippet(video)).toContain('src="https://video.example.org/embed.js"');
    expect(markdownSnippet(video)).toBe(
      '[![Tour](https://video.example.org/v/abc/poster.jpg)](https://video.example.org/v/abc)',
    );
    expect(mailSnippet(video)).toContain('/v/abc/preview.webp');
    expect(mailSnippet({ ...video, moving: false })).toContain('/v/abc/poster.jpg');
  });

  it('keeps hostile titles text', () => {
    for (const title of hostile) {
      for (const make of [iframeSnippet, scriptSnippet, mailSnippet]) {
        const inert = make({ ...video, title }).replaceAll(' src="', ' data-src="'); // nothing is fetched
        const page = new DOMParser().parseFromString(inert, 'text/html');
        expect(page.querySelectorAll('script')).toHaveLength(make === scriptSnippet ? 1 : 0);
        expect(page.querySelectorAll('[onerror], [onload]')).toHaveLength(0);
        const said = page.querySelector('[title], [data-title], img')!;
        const read =
          said.getAttribute('title') ?? said.getAttribute('data-title') ?? said.getAttribute('alt');
        expect(read).toBe(title);
      }
      const line = markdownSnippet({ ...video, title });
      expect(line).not.toMatch(/\n/);
      expect(line.replace(/\\./g, '')).toMatch(/^\[!\[[^\][()<>`]*\]\([^()]*\)\]\([^()]*\)$/);
    }
  });

  it('gives upright videos an upright frame', () => {
    expect(frameSize({ ...video, width: 720, height: 1280 })).toEqual({ width: 360, height: 640 });
    expect(frameSize({ ...video, width: 0, height: 0 })).toEqual({ width: 640, height: 360 });
  });
});
