import type { Comment } from '@/api';

/** A comment as this page knows it: from the server, or on its way there. */
export type Entry = Comment & {
  /** Set while the server has not confirmed it. */
  local?: 'sending' | 'failed';
  /** Why it failed, a sentence. */
  problem?: string;
  /** Came in while the page was open, from somebody else. */
  fresh?: boolean;
  /** Told of since the list was asked for last, which may have been read before. */
  news?: boolean;
};

export type Action =
  | { type: 'asked' }
  | { type: 'loaded'; items: Comment[] }
  | { type: 'posted'; entry: Entry }
  | { type: 'confirmed'; localId: string; comment: Comment }
  | { type: 'refused'; localId: string; problem: string }
  | { type: 'arrived'; comment: Comment; mine: boolean }
  | { type: 'changed'; id: string; patch: Partial<Comment> }
  | { type: 'removed'; id: string };

/** A conversation as this page knows it. */
export interface State {
  entries: readonly Entry[];
  /** Ids of what was removed. Nobody brings that back, but a list that was on its way may still name it. */
  removed: ReadonlySet<string>;
}

export const silence: State = { entries: [], removed: new Set() };

/** The conversation after one event. Order is the reader's business: see threads.ts. */
export function reduce({ entries, removed }: State, action: Action): State {
  switch (action.type) {
    case 'removed':
      return {
        entries: entries.filter(({ id, parent_id }) => id !== action.id && parent_id !== action.id),
        removed: new Set([...removed, action.id]),
      };
    case 'loaded': {
      const there = ({ id, parent_id }: Comment) =>
        !removed.has(id) && !removed.has(parent_id ?? '');
      return { entries: merge(entries, action.items.filter(there)), removed };
    }
    default:
      return { entries: changed(entries, action), removed };
  }
}

type Change = Exclude<Action, { type: 'removed' | 'loaded' }>;

function changed(entries: readonly Entry[], action: Change): readonly Entry[] {
  switch (action.type) {
    case 'asked':
      return entries.map((entry) => (entry.news ? { ...entry, news: undefined } : entry));
    case 'posted':
      return put(entries, action.entry);
    case 'confirmed':
      return put(without(entries, action.localId), { ...action.comment, news: true });
    case 'refused':
      return patch(entries, action.localId, { local: 'failed', problem: action.problem });
    case 'arrived':
      return arrive(entries, action.comment, action.mine);
    case 'changed':
      return patch(entries, action.id, action.patch);
  }
}

// The server's list is the truth for what it knows; what is still on its way here stays, and so does what was told of
// while the list was: it may be older.
function merge(entries: readonly Entry[], items: Comment[]): readonly Entry[] {
  const old = new Map(entries.map((entry) => [entry.id, entry]));
  const known = items.map((item): Entry => {
    const entry = old.get(item.id);
    if (entry?.news) return entry;
    return entry?.fresh ? { ...item, fresh: true } : item;
  });
  const listed = new Set(items.map((item) => item.id));
  return [
    ...known,
    ...entries.filter(
      (entry) => entry.local !== undefined || (entry.news && !listed.has(entry.id)),
    ),
  ];
}

// The event of our own comment may overtake the answer to its POST.
function arrive(entries: readonly Entry[], comment: Comment, mine: boolean): readonly Entry[] {
  const old = entries.find((entry) => entry.id === comment.id);
  if (old) return put(entries, { ...comment, fresh: old.fresh, news: true });
  const own = entries.find((entry) => entry.local === 'sending' && sameWords(entry, comment));
  if (own) return put(without(entries, own.id), { ...comment, news: true });
  return put(entries, { ...comment, fresh: !mine, news: true });
}

function sameWords(a: Comment, b: Comment): boolean {
  return a.body === b.body && a.at_ms === b.at_ms && a.parent_id === b.parent_id;
}

function put(entries: readonly Entry[], entry: Entry): readonly Entry[] {
  const there = entries.some((old) => old.id === entry.id);
  return there ? entries.map((old) => (old.id === entry.id ? entry : old)) : [...entries, entry];
}

function patch(entries: readonly Entry[], id: string, values: Partial<Entry>): readonly Entry[] {
  return entries.map((entry) => (entry.id === id ? { ...entry, ...values } : entry));
}

function without(entries: readonly Entry[], id: string): readonly Entry[] {
  return entries.filter((entry) => entry.id !== id);
}
