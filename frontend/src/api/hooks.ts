import {
  type InfiniteData,
  QueryClient,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query';
import { accounts, invitations, session, tokens } from './accounts';
import { ApiError } from './errors';
import type { Page, Session, Video, VideoFilter } from './types';
import { videos } from './videos';

/** The keys under which answers are kept. */
export const keys = {
  session: ['session'] as const,
  videos: ['videos'] as const,
  videoList: (filter: VideoFilter, q: string) => ['videos', 'list', filter, q] as const,
  video: (id: string) => ['videos', 'one', id] as const,
  comments: (videoId: string) => ['comments', videoId] as const,
  accounts: ['accounts'] as const,
  invitations: ['invitations'] as const,
  tokens: ['tokens'] as const,
};

export type VideoPages = InfiniteData<Page<Video>>;

export function makeQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 15_000,
        // A refusal stays a refusal; only what may pass by itself is tried again.
        retry: (count, error) =>
          count < 2 && error instanceof ApiError && (error.status === 0 || error.status >= 500),
      },
    },
  });
}

export function useSession() {
  return useQuery({
    queryKey: keys.session,
    queryFn: ({ signal }) => session.get(signal),
    staleTime: 5 * 60_000,
  });
}

/** Signs out everywhere in this page: nothing that was read for the old account stays. */
export function useSignOut() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: session.signOut,
    onSuccess: () => {
      client.setQueryData<Session>(keys.session, (old) => old && { ...old, account: null });
      client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== keys.session[0] });
    },
  });
}

export function useVideo(id: string) {
  return useQuery({ queryKey: keys.video(id), queryFn: ({ signal }) => videos.get(id, signal) });
}

export function useVideoList(filter: VideoFilter, q: string) {
  return useInfiniteQuery({
    queryKey: keys.videoList(filter, q),
    queryFn: ({ pageParam, signal }) =>
      videos.list({ filter, q, cursor: pageParam, limit: 24 }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
}

export const useAccounts = () =>
  useQuery({ queryKey: keys.accounts, queryFn: ({ signal }) => accounts.list(signal) });

export const useInvitations = () =>
  useQuery({ queryKey: keys.invitations, queryFn: ({ signal }) => invitations.list(signal) });

export const useTokens = () =>
  useQuery({ queryKey: keys.tokens, queryFn: ({ signal }) => tokens.list(signal) });
