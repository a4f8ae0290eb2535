import { expect, it } from 'vitest';
import { inside } from './guard';

it.each([
  ['/settings', '/settings'],
  ['/v/abc?t=83', '/v/abc?t=83'],
  ['//evil.example', undefined],
  ['/\\evil.example', undefined],
  ['https://evil.example', undefined],
  ['javascript:alert(1)', undefined],
  ['/\t/evil.example', undefined],
  [undefined, undefined],
])('after signing in, %j leads to %j', (next, path) => {
  const got = inside(next);
  // A browser drops tabs and line breaks from URLs, so what is left must still be a path of ours.
  expect(got).toBe(path);
});
