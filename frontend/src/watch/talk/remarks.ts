import type { Remark } from '@/player';
import type { Entry } from './entries';

/** The comments that are marked on the seek bar: open ones that begin a thread. */
export function remarksOf(entries: readonly Entry[]): Remark[] {
  return entries
    .filter((entry) => entry.parent_id === null && !entry.resolved_at)
    .map(({ id, at_ms, body, author }) => ({ id, at_ms, body, author: author.name }));
}
