import { describe, expect, it } from 'vitest';
import type { Audience } from '@/api';
import { sentence, takes } from './audience';

const nobody = { count: 0, names: [] };
const none: Audience = {
  gains: nobody,
  loses: nobody,
  anyone_gains: false,
  anyone_loses: false,
  links_paused: 0,
  links_opened: 0,
};

describe('who gains and who loses', () => {
  it('says nothing when nobody does', () => {
    expect(sentence(none)).toBe('');
    expect(takes(none)).toBe(false);
  });
  it('names a few and counts the rest', () => {
    const change = { ...none, loses: { count: 14, names: ['Ada', 'Ben', 'Cleo'] } };
    expect(sentence(change)).toBe('Ada, Ben, Cleo and 11 more can no longer watch.');
    expect(takes(change)).toBe(true);
  });
  it('speaks of strangers and of links', () => {
    expect(sentence({ ...none, anyone_gains: true })).toBe('Anyone with the link can watch.');
    expect(
      sentence({
        ...none,
        anyone_loses: true,
        loses: { count: 1, names: ['Ben'] },
        links_paused: 2,
      }),
    ).toBe('Ben and anyone else with the link can no longer watch. 2 share links pause.');
    expect(sentence({ ...none, links_opened: 1 })).toBe('1 share link opens again.');
  });
});
