import type { Video, VideoFilter, VideoPages } from '@/api';

/** One cached list: what it was asked for, and as whom. */
export type ListScope = { filter: VideoFilter; q: string; me: string };

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
 * Brings news of a video into a list: replaced where it stands, taken out where it no longer belongs, put in front
 * where it is new. A search keeps its hits as the server found them and takes in nothing new.
 */
export function applyVideo(pages: VideoPages, video: Video, scope: ListScope): VideoPages {
  const known = pages.pages.some((page) => page.items.some(({ id }) => id === video.id));
  if (!belongs(video, scope)) return known ? removeVideo(pages, video.id) : pages;
  if (known) return patchVideo(pages, video.id, video);
  const [first, ...rest] = pages.pages;
  if (!first || scope.q || !isNewest(video, first.items, scope)) return pages;
  return { ...pages, pages: [{ ...first, items: [video, ...first.items] }, ...rest] };
}

function belongs(video: Video, { filter, me }: ListScope): boolean {
  const mine = video.owner.id === me;
  if (filter === 'trash') return Boolean(video.trashed_at) && mine;
  return !video.trashed_at && (filter === 'all' || mine);
}

// Lists are newest first; something older than the first page is somewhere below and comes with its own page.
function isNewest(video: Video, items: Video[], { filter }: ListScope): boolean {
  const top = items[0];
  if (!top || filter === 'trash') return true;
  return video.created_at >= top.created_at;
}

function mapItems(pages: VideoPages, change: (items: Video[]) => Video[]): VideoPages {
  return {
    ...pages,
    pages: pages.pages.map((page) => ({ ...page, items: change(page.items) })),
  };
}
