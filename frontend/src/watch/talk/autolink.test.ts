import { describe, expect, it } from 'vitest';
import { autolink } from './autolink';

const links = (body: string) =>
  autolink(body, 600).flatMap((piece) => (piece.kind === 'link' ? [piece.href] : []));
const moments = (body: string, duration = 600) =>
  autolink(body, duration).flatMap((piece) => (piece.kind === 'moment' ? [piece.seconds] : []));

describe('autolink', () => {
  it('keeps every character', () => {
    const body = 'See https://a.test/x?y=1#z, (https://b.test/w_(x)) at 1:23!\nEnd';
    expect(
      autolink(body, 600)
        .map((piece) => piece.text)
        .join(''),
    ).toBe(body);
  });

  it('links https addresses without the sentence around them', () => {
    expect(links('Go to https://a.test/x. Now')).toEqual(['https://a.test/x']);
    expect(links('(https://b.test/w_(x))')).toEqual(['https://b.test/w_(x)']);
    expect(links('HTTPS://A.test')).toEqual(['https://a.test/']);
    expect(links('<https://a.test/>')).toEqual(['https://a.test/']);
  });

  it.each([
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)//https:',
    'java\nscript:alert(1)',
    'data:text/html,<script>alert(1)</script>',
    'data:text/html;base64,PHNjcmlwdD4=',
    'vbscript:msgbox(1)',
    'http://plain.test/',
    'ftp://a.test/',
    'file:///etc/passwd',
    '//a.test/x',
    'https://',
    'https://user:pw@evil.test/',
    'https://good.test@evil.test/',
    'https:javascript:alert(1)',
    '&#106;avascript:alert(1)',
    '[x](javascript:alert(1))',
    '<a href="javascript:alert(1)">x</a>',
    '<img src=x onerror=alert(1)>',
  ])('makes no link of %s', (body) => {
    expect(links(body)).toEqual([]);
  });

  it('stops a link at quotes and angle brackets, so nothing can break out of an attribute', () => {
    expect(links('https://a.test/"onmouseover="alert(1)')).toEqual(['https://a.test/']);
    expect(links("https://a.test/'><script>")).toEqual(['https://a.test/']);
  });

  it('only ever gives https addresses', () => {
    for (const href of links('https://a.test/?u=javascript:alert(1) https://data:text')) {
      expect(new URL(href).protocol).toBe('https:');
    }
  });

  it('makes moments of the video seekable', () => {
    expect(moments('look at 1:23 and 0:05, then 09:59.')).toEqual([83, 5, 599]);
    expect(moments('1:02:03', 4000)).toEqual([3723]);
  });

  it('leaves other numbers alone', () => {
    expect(moments('12:30 tomorrow')).toEqual([]);
    expect(moments('16:9, 1:2:3:4, 10:99, v1:23, 2024-01-01T01:02:03, a/1:23')).toEqual([]);
    expect(moments('1:23abc')).toEqual([]);
  });

  it('is quick on hostile text', () => {
    const started = performance.now();
    autolink('https://' + 'a)'.repeat(5000), 1);
    autolink('1:'.repeat(20_000), 1);
    expect(performance.now() - started).toBeLessThan(1000);
  });
});
