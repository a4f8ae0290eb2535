import type { Comment } from '@/api';
import { describe, expect, it } from 'vitest';
import { reduce, silence, type Action, type Entry } from './entries';
import { chunked, filtered, threadAt, threadsOf } from './threads';

function comment(id: string, values: Partial<Comment> = {}): Comment {
  return {
    id,
    video_id: 'v',
    parent_id: null,
    at_ms: 0,
    body: `body ${id}`,
    author: { id: 'u', name: 'Ana', guest: false },
    created_at: '2026-01-01T00:00:00Z',
    edited_at: null,
    resolved_at: null,
    may: { edit: true, delete: true, resolve: true },
    ...values,
  };
}

const run = (actions: Action[], entries: Entry[] = []) =>
  actions.reduce(reduce, { ...silence, entries }).entries;
const ids = (entries: readonly Entry[]) => entries.map((entry) => entry.id);

describe('reduce', () => {
  const sending: Entry = { ...comment('local-1', { body: 'hi' }), local: 'sending' };

  it('replaces an optimistic comment by the confirmed one', () => {
    const after = run([
      { type: 'posted', entry: sending },
      { type: 'confirmed', localId: 'local-1', comment: comment('c1', { body: 'hi' }) },
    ]);
    expect(ids(after)).toEqual(['c1']);
    expect(after[0]!.local).toBeUndefined();
  });

  it('shows one comment when its event overtakes the answer', () => {
    const real = comment('c1', { body: 'hi' });
    const overtaken = run([
      { type: 'posted', entry: sending },
      { type: 'arrived', comment: real, mine: true },
    ]);
    expect(ids(overtaken)).toEqual(['c1']);
    const settled = run([{ type: 'confirmed', localId: 'local-1', comment: real }], [...overtaken]);
    expect(ids(settled)).toEqual(['c1']);
    expect(settled[0]!.fresh).toBeFalsy();
  });

  it('keeps the words of a refused comment', () => {
    const after = run([
      { type: 'posted', entry: sending },
      { type: 'refused', localId: 'local-1', problem: 'No.' },
    ]);
    expect(after[0]).toMatchObject({ body: 'hi', local: 'failed', problem: 'No.' });
  });

  it('keeps what is on its way when the list is loaded again, and drops what is gone', () => {
    const after = run([{ type: 'loaded', items: [comment('c2')] }], [comment('c1'), sending]);
    expect(ids(after)).toEqual(['c2', 'local-1']);
  });

  it('marks what others wrote just now, also after a reload of the list', () => {
    const after = run([
      { type: 'arrived', comment: comment('c1'), mine: false },
      { type: 'loaded', items: [comment('c1'), comment('c2')] },
      { type: 'arrived', comment: comment('c1', { body: 'edited' }), mine: false },
    ]);
    expect(after.map((entry) => Boolean(entry.fresh))).toEqual([true, false]);
    expect(after[0]!.body).toBe('edited');
  });

  it('keeps what it was told of while the list was on its way, which may be older', () => {
    const early: Action[] = [
      { type: 'arrived', comment: comment('before'), mine: false },
      { type: 'asked' },
      { type: 'arrived', comment: comment('c1'), mine: false },
      { type: 'arrived', comment: comment('c2', { body: 'edited' }), mine: false },
      { type: 'posted', entry: sending },
      { type: 'confirmed', localId: 'local-1', comment: comment('c3') },
    ];
    const older: Action = { type: 'loaded', items: [comment('c2')] };
    const after = run([...early, older]);
    expect(ids(after)).toEqual(['c2', 'c1', 'c3']);
    expect(after[0]!.body).toBe('edited');
    expect(ids(run([...early, older, { type: 'asked' }, older]))).toEqual(['c2']);
  });

  it('removes a comment with its answers', () => {
    const after = run(
      [{ type: 'removed', id: 'c1' }],
      [comment('c1'), comment('r1', { parent_id: 'c1' }), comment('c2')],
    );
    expect(ids(after)).toEqual(['c2']);
  });

  it('does not bring back what was removed while the list was on its way', () => {
    const items = [comment('c1'), comment('r1', { parent_id: 'c1' }), comment('c2')];
    const after = run([
      { type: 'asked' },
      { type: 'removed', id: 'c1' },
      { type: 'loaded', items },
    ]);
    expect(ids(after)).toEqual(['c2']);
  });
});

describe('threads', () => {
  it('sorts by second, then age, answers by age', () => {
    const threads = threadsOf([
      comment('late', { at_ms: 9000 }),
      comment('r2', { parent_id: 'early', created_at: '2026-01-03T00:00:00Z' }),
      comment('r1', { parent_id: 'early', created_at: '2026-01-02T00:00:00Z' }),
      comment('early', { at_ms: 1000, created_at: '2026-01-02T00:00:00Z' }),
      comment('earlier', { at_ms: 1000 }),
      comment('orphan', { parent_id: 'nobody' }),
    ]);
    expect(threads.map((thread) => thread.root.id)).toEqual(['earlier', 'early', 'late']);
    expect(ids(threads[1]!.replies)).toEqual(['r1', 'r2']);
  });

  it('filters by resolution', () => {
    const threads = threadsOf([
      comment('a'),
      comment('b', { resolved_at: '2026-01-01T00:00:00Z' }),
    ]);
    expect(filtered(threads, 'open').map((t) => t.root.id)).toEqual(['a']);
    expect(filtered(threads, 'resolved').map((t) => t.root.id)).toEqual(['b']);
  });

  it('knows what is talked about at a second', () => {
    const threads = threadsOf([comment('a', { at_ms: 1000 }), comment('b', { at_ms: 20_000 })]);
    expect(threadAt(threads, 0.5)).toBeNull();
    expect(threadAt(threads, 3)).toBe('a');
    expect(threadAt(threads, 15)).toBeNull();
    expect(threadAt(threads, 20)).toBe('b');
    expect(threadAt([], 20)).toBeNull();
  });

  it('cuts long lists', () => {
    expect(chunked([1, 2, 3, 4, 5], 2)).toEqual([[1, 2], [3, 4], [5]]);
  });
});
