import type { Playable } from './model';

/** What the server puts into the page, so that the first frame waits for no request of ours. */
export interface PageData {
  video: Playable | null;
  session: unknown;
}

/** Reads the page's data; no video when the server gave none (an absent or private one). */
export function readPageData(root: Document = document): PageData {
  const text = root.getElementById('page-data')?.textContent ?? '';
  try {
    const data: unknown = JSON.parse(text);
    if (typeof data === 'object' && data !== null) {
      const { video = null, session = null } = data as Partial<PageData>;
      return { video, session };
    }
  } catch {
    // Development without the server, or a page that was cut short.
  }
  return { video: null, session: null };
}
