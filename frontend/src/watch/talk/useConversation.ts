import { useQuery } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useReducer } from 'react';
import { comments, keys, messageOf, type Account, type Comment, type Video } from '@/api';
import { toast } from '@/ui';
import { reduce, silence, type Entry } from './entries';

/** What a person wrote, and where. */
export interface Draft {
  at_ms: number;
  body: string;
  parent_id: string | null;
  guest_name: string | null;
}

/** The conversation of a video and what can be done with it. Everything shows at once and is confirmed later. */
export interface Talk {
  entries: readonly Entry[];
  loaded: boolean;
  /** A sentence when the list could not be read. */
  problem: string | null;
  reload: () => Promise<unknown>;
  send: (draft: Draft) => void;
  resend: (entry: Entry) => void;
  discard: (entry: Entry) => void;
  edit: (entry: Entry, body: string) => Promise<void>;
  resolve: (entry: Entry, resolved: boolean) => Promise<void>;
  remove: (entry: Entry) => Promise<void>;
  /** Something another reader did. */
  arrive: (comment: Comment) => void;
  vanish: (id: string) => void;
}

export function useConversation(video: Video, account: Account | null): Talk {
  const [{ entries }, dispatch] = useReducer(reduce, silence);
  const query = useQuery({
    queryKey: keys.comments(video.id),
    queryFn: ({ signal }) => {
      dispatch({ type: 'asked' });
      return comments.list(video.id, signal);
    },
    staleTime: Infinity, // Events keep it fresh; a reconnect reads it again.
  });
  const { data, error, refetch } = query;
  useEffect(() => {
    if (data) dispatch({ type: 'loaded', items: data.items });
  }, [data]);

  const post = useCallback(
    async (entry: Entry) => {
      dispatch({ type: 'posted', entry: { ...entry, local: 'sending', problem: undefined } });
      try {
        const words = {
          at_ms: entry.at_ms,
          body: entry.body,
          parent_id: entry.parent_id ?? undefined,
          guest_name: entry.author.guest ? entry.author.name : undefined,
        };
        const comment = await comments.create(video.id, words, entry.id);
        dispatch({ type: 'confirmed', localId: entry.id, comment });
      } catch (failure) {
        dispatch({ type: 'refused', localId: entry.id, problem: messageOf(failure) });
      }
    },
    [video.id],
  );

  const acts = useMemo(() => {
    const change = async (entry: Entry, now: Partial<Comment>, ask: () => Promise<Comment>) => {
      dispatch({ type: 'changed', id: entry.id, patch: now });
      try {
        dispatch({ type: 'changed', id: entry.id, patch: await ask() });
      } catch (failure) {
        dispatch({ type: 'changed', id: entry.id, patch: entry });
        toast.error(messageOf(failure));
      }
    };
    return {
      send: (draft: Draft) => void post(entryOf(draft, video.id, account)),
      resend: (entry: Entry) => void post(entry),
      discard: (entry: Entry) => dispatch({ type: 'removed', id: entry.id }),
      edit: (entry: Entry, body: string) =>
        change(entry, { body, edited_at: new Date().toISOString() }, () =>
          comments.update(entry.id, { body }),
        ),
      resolve: (entry: Entry, resolved: boolean) =>
        change(entry, { resolved_at: resolved ? new Date().toISOString() : null }, () =>
          comments.update(entry.id, { resolved }),
        ),
      remove: async (entry: Entry) => {
        try {
          await comments.remove(entry.id);
          dispatch({ type: 'removed', id: entry.id });
        } catch (failure) {
          toast.error(messageOf(failure));
        }
      },
      arrive: (comment: Comment) => {
        const mine = account !== null && comment.author.id === account.id;
        const may = comment.may ?? mayBe(mine, video.may.edit);
        dispatch({ type: 'arrived', comment: { ...comment, may }, mine });
      },
      vanish: (id: string) => dispatch({ type: 'removed', id }),
    };
  }, [post, video.id, video.may.edit, account]);

  return {
    ...acts,
    entries,
    loaded: data !== undefined,
    problem: error && !data ? messageOf(error) : null,
    reload: refetch,
  };
}

function mayBe(mine: boolean, owner: boolean): Comment['may'] {
  return { edit: mine, delete: mine || owner, resolve: mine || owner };
}

let count = 0;

function entryOf(draft: Draft, videoId: string, account: Account | null): Entry {
  count += 1;
  return {
    id: `local-${Date.now()}-${count}-${Math.random().toString(36).slice(2)}`,
    video_id: videoId,
    parent_id: draft.parent_id,
    at_ms: draft.at_ms,
    body: draft.body,
    author: {
      id: account?.id ?? null,
      name: account?.name ?? draft.guest_name ?? '',
      guest: account === null,
    },
    created_at: new Date().toISOString(),
    edited_at: null,
    resolved_at: null,
    may: { edit: false, delete: false, resolve: false },
  };
}
