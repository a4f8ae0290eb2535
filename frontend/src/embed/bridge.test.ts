import { expect, it } from 'vitest';
import { commandOf } from './bridge';
import { readOptions } from './options';

it('knows four commands and nothing else', () => {
  expect(commandOf({ meanwhile: 1, command: 'play' })).toEqual({ command: 'play' });
  expect(commandOf({ meanwhile: 1, command: 'seek', at_ms: 1500 })).toEqual({
    command: 'seek',
    at: 1.5,
  });
  for (const data of [
    null,
    undefined,
    'play',
    7,
    [],
    {},
    { command: 'play' },
    { meanwhile: 2, command: 'play' },
    { meanwhile: 1, command: 'toggle' },
    { meanwhile: 1, command: 'retry' },
    { meanwhile: 1, command: 'constructor' },
    { meanwhile: 1, command: ['play'] },
    { meanwhile: 1, command: 'seek' },
    { meanwhile: 1, command: 'seek', at_ms: NaN },
    { meanwhile: 1, command: 'seek', at_ms: -1 },
    { meanwhile: 1, command: 'seek', at_ms: '5' },
  ]) {
    expect(commandOf(data), JSON.stringify(data)).toBeNull();
  }
});

it('reads what the address asks for', () => {
  const read = (query: string) => readOptions(new URL(`https://x/embed/a${query}`));
  expect(read('')).toEqual({ at: null, autoplay: false, muted: false, comments: false });
  expect(read('?t=1m2s&autoplay=1&muted=true&comments')).toEqual({
    at: 62,
    autoplay: true,
    muted: true,
    comments: true,
  });
  expect(read('?t=x&autoplay=0&comments=no')).toMatchObject({ at: null, autoplay: false });
});
