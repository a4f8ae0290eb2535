import type { Entry } from './entries';

/** A comment and its answers, oldest answer first. */
export interface Thread {
  root: Entry;
  replies: Entry[];
}

/** Threads by their second in the video, then by age. An answer whose comment is gone is left out. */
export function threadsOf(entries: readonly Entry[]): Thread[] {
  const threads = new Map<string, Thread>();
  for (const entry of entries) {
    if (entry.parent_id === null) threads.set(entry.id, { root: entry, replies: [] });
  }
  for (const entry of entries) {
    if (entry.parent_id !== null) threads.get(entry.parent_id)?.replies.push(entry);
  }
  const sorted = [...threads.values()].sort(
    (a, b) => a.root.at_ms - b.root.at_ms || byAge(a.root, b.root),
  );
  for (const thread of sorted) thread.replies.sort(byAge);
  return sorted;
}

function byAge(a: Entry, b: Entry): number {
  return a.created_at < b.created_at ? -1 : a.created_at > b.created_at ? 1 : 0;
}

export type Filter = 'open' | 'resolved';

/** The threads a filter shows. */
export function filtered(threads: readonly Thread[], filter: Filter): Thread[] {
  return threads.filter(({ root }) => Boolean(root.resolved_at) === (filter === 'resolved'));
}

/** The thread being talked about at a second: the last one that began at most `within` seconds ago. */
export function threadAt(threads: readonly Thread[], second: number, within = 8): string | null {
  let low = 0;
  let high = threads.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (threads[middle]!.root.at_ms / 1000 <= second + 0.05) low = middle + 1;
    else high = middle;
  }
  const last = threads[low - 1];
  return last && second - last.root.at_ms / 1000 <= within ? last.root.id : null;
}

/** Lists of at most `size`, for drawing a long conversation piece by piece. */
export function chunked<T>(items: readonly T[], size: number): T[][] {
  const chunks: T[][] = [];
  for (let i = 0; i < items.length; i += size) chunks.push(items.slice(i, i + size));
  return chunks;
}
