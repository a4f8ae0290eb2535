import { describe, expect, it } from 'vitest';
import { belongsToFocus, commandOf, stepSpeed } from './keys';

const press = (key: string, more = {}) => ({
  key,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  ...more,
});

describe('commandOf', () => {
  it('knows the keys people know', () => {
    expect(commandOf(press(' '))).toEqual({ do: 'toggle' });
    expect(commandOf(press('K'))).toEqual({ do: 'toggle' });
    expect(commandOf(press('7'))).toEqual({ do: 'part', of: 0.7 });
    expect(commandOf(press('.'))).toEqual({ do: 'frame', by: 1 });
    expect(commandOf(press('>'))).toEqual({ do: 'faster' });
    expect(commandOf(press('x'))).toBeNull();
  });
  it('leaves chords to the browser', () => {
    expect(commandOf(press('f', { ctrlKey: true }))).toBeNull();
    expect(commandOf(press('l', { metaKey: true }))).toBeNull();
  });
});

describe('belongsToFocus', () => {
  it('leaves keys to what has the focus', () => {
    document.body.innerHTML =
      '<textarea></textarea><button></button><div id="stage"><button></button></div>';
    const [field, button, inStage] = document.querySelectorAll('textarea, button');
    expect(belongsToFocus(field!, 'k')).toBe(true);
    expect(belongsToFocus(button!, ' ')).toBe(true);
    expect(belongsToFocus(button!, 'k')).toBe(false);
    expect(belongsToFocus(button!, 'ArrowDown')).toBe(true);
    expect(belongsToFocus(inStage!, 'ArrowDown')).toBe(false);
    expect(belongsToFocus(document.body, ' ')).toBe(false);
  });
});

describe('stepSpeed', () => {
  it('moves along the speeds and stops at the ends', () => {
    expect(stepSpeed(1, true)).toBe(1.25);
    expect(stepSpeed(1, false)).toBe(0.75);
    expect(stepSpeed(1.3, false)).toBe(1.25);
    expect(stepSpeed(2.5, true)).toBe(2.5);
    expect(stepSpeed(0.5, false)).toBe(0.5);
  });
});
