import type { Playable } from './model';

/** What the server puts into the page, so that the first frame waits for no request of ours. */
export interface PageData {
  video: Playable | null;
  session: unknown;
  /** A share link that lets nobody in yet: the page asks first. */
  locked: LockedData | null;
  embed: EmbedData;
}

/** All that the page of a locked link knows of it. */
export interface LockedData {
  slug: string;
  /** It asks for one; otherwise it counts whom it lets in. */
  password: boolean;
}

/** What a page in a frame is told besides. */
export interface EmbedData {
  slug: string;
  watch_url: string;
  /** A share link that asks for something first: a password, or only that somebody wants to watch. */
  locked: boolean;
  password: boolean;
  /** The origins of the sites that may frame the page and talk to it. */
  ancestors: string[];
}

const NO_FRAME: EmbedData = {
  slug: '',
  watch_url: '/',
  locked: false,
  password: false,
  ancestors: [],
};

/** Reads the page's data; no video when the server gave none (an absent or private one). */
export function readPageData(root: Document = document): PageData {
  const text = root.getElementById('page-data')?.textContent ?? '';
  try {
    const data: unknown = JSON.parse(text);
    if (typeof data === 'object' && data !== null) {
      const all = data as Partial<PageData>;
      const { video = null, session = null, locked = null, embed = NO_FRAME } = all;
      return { video, session, locked, embed };
    }
  } catch {
    // Development without the server, or a page that was cut short.
  }
  return { video: null, session: null, locked: null, embed: NO_FRAME };
}
