import { describe, expect, it } from 'vitest';
import type { Video, VideoPages } from '@/api';
import { applyVideo, flatten, type ListScope, removeVideo } from './pages';

const video = (id: string, more: Partial<Video> = {}) =>
  ({
    id,
    title: id,
    owner: { id: 'me', name: 'Me' },
    workspace_id: 'w',
    created_at: `2026-01-0${id}T00:00:00Z`,
    trashed_at: null,
    ...more,
  }) as Video;

const list = (...ids: string[][]): VideoPages => ({
  pages: ids.map((page) => ({ items: page.map((id) => video(id)), next_cursor: null })),
  pageParams: ids.map(() => undefined),
});

const ids = (pages: VideoPages) => flatten(pages).map(({ id }) => id);
const all: ListScope = { filter: 'all', q: '', me: 'me', workspace: 'w' };

describe('applyVideo', () => {
  it('replaces a video where it stands, also on a later page', () => {
    const after = applyVideo(list(['5', '4'], ['3']), video('3', { title: 'New' }), all);
    expect(ids(after)).toEqual(['5', '4', '3']);
    expect(flatten(after)[2]?.title).toBe('New');
  });

  it('puts a new one in front', () => {
    expect(ids(applyVideo(list(['4'], ['3']), video('5'), all))).toEqual(['5', '4', '3']);
    expect(ids(applyVideo(list([]), video('5'), all))).toEqual(['5']);
  });

  it('puts a late one in its place, whatever order the news came in', () => {
    expect(ids(applyVideo(list(['5', '3'], ['1']), video('4'), all))).toEqual(['5', '4', '3', '1']);
    expect(ids(applyVideo(list(['5', '4']), video('2'), all))).toEqual(['5', '4', '2']);
  });

  it('leaves an old one to the page it comes with', () => {
    const pages = list(['5', '4']);
    const more = { ...pages, pages: pages.pages.map((page) => ({ ...page, next_cursor: 'c' })) };
    expect(ids(applyVideo(more, video('2'), all))).toEqual(['5', '4']);
  });

  it('takes nothing new into a search', () => {
    expect(ids(applyVideo(list(['4']), video('5'), { ...all, q: 'x' }))).toEqual(['4']);
  });

  it('takes out what no longer belongs', () => {
    const trashed = video('4', { trashed_at: '2026-02-01T00:00:00Z' });
    expect(ids(applyVideo(list(['5', '4']), trashed, all))).toEqual(['5']);
    expect(ids(applyVideo(list(['4']), video('4'), { ...all, filter: 'trash' }))).toEqual([]);
  });

  it('keeps other people’s out of mine', () => {
    const theirs = video('5', { owner: { id: 'you', name: 'You' } });
    expect(ids(applyVideo(list(['4']), theirs, { ...all, filter: 'mine' }))).toEqual(['4']);
  });
});

describe('removeVideo', () => {
  it('finds it on any page', () => {
    expect(ids(removeVideo(list(['5'], ['4', '3']), '4'))).toEqual(['5', '3']);
  });
});
