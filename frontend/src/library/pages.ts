import type { Video, VideoFilter, VideoPages } from '@/api';

/** One cached list: what it was asked for, and as whom. */
export type ListScope = { filter: VideoFilter; q: string; me: string; workspace: string };

/** All videos of the pages read so far, in order. */
export function flatten(pages: VideoPages | undefined): Video[] {
  return pages?.pages.flatMap((page) => page.items) ?? [];
}

/** Changes one video wherever it stands. */
export function patchVideo(pages: VideoPages, id: string, change: Partial<Video>): VideoPages {
  return mapItems(pages, (items) =>
    items.map((video) => (video.id === id ? { ...video, ...change } : video)),
  );
}

export function removeVideo(pages: VideoPages, id: string): VideoPages {
  return mapItems(pages, (items) => items.filter((video) => video.id !== id));
}

/**
 * Brings news of a video into a list: replaced where it stands, taken out where it no longer belongs, put in
 * where it is new. A search keeps its hits as the server found them and takes in nothing new.
 */
export function applyVideo(pages: VideoPages, video: Video, scope: ListScope): VideoPages {
  const known = pages.pages.some((page) => page.items.some(({ id }) => id === video.id));
  if (!belongs(video, scope, known)) return known ? removeVideo(pages, video.id) : pages;
  if (known) return patchVideo(pages, video.id, video);
  return scope.q ? pages : insert(pages, video, scope);
}

/**
 * Lists are newest first, but news of videos made at about the same time comes in any order: each goes to its place.
 * What is older than all that was read is on a page further down, if there is one, and comes with it.
 */
function insert(list: VideoPages, video: Video, { filter }: ListScope): VideoPages {
  const follows = (other: Video) => filter === 'trash' || video.created_at >= other.created_at;
  const pages = [...list.pages];
  let at = pages.findIndex((page) => page.items.some(follows));
  if (at < 0 && !pages.at(-1)?.next_cursor) at = pages.length - 1;
  const page = pages[at];
  if (!page) return list;
  const before = page.items.findIndex(follows);
  const items = page.items.toSpliced(before < 0 ? page.items.length : before, 0, video);
  pages[at] = { ...page, items };
  return { ...list, pages };
}

// Whether one was named for a video is not in the news of it: only the server's own list of them says so.
function belongs(video: Video, scope: ListScope, known: boolean): boolean {
  const { filter } = scope;
  const mine = video.owner.id === scope.me;
  if (filter !== 'shared' && video.workspace_id !== scope.workspace) return false;
  if (filter === 'trash') return Boolean(video.trashed_at) && mine;
  if (filter === 'shared') return !video.trashed_at && !mine && known;
  return !video.trashed_at && (filter === 'all' || mine);
}

function mapItems(pages: VideoPages, change: (items: Video[]) => Video[]): VideoPages {
  return {
    ...pages,
    pages: pages.pages.map((page) => ({ ...page, items: change(page.items) })),
  };
}
