import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect } from 'react';
import { ApiError, keys, videos, type Video } from '@/api';
import type { Playback } from '@/player';

// Grants last ten minutes; asking every five keeps one in hand.
const RENEW_MS = 5 * 60_000;
// While something is under way, in case a proxy holds the events back.
const LOOK_MS = 20_000;

/** The video as it is now, given on to the player. `gone` once it is no longer ours to see. */
export function useWatched(first: Video, playback: Playback) {
  const client = useQueryClient();
  const key = keys.video(first.id);
  const query = useQuery({
    queryKey: key,
    queryFn: ({ signal }) => videos.get(first.id, signal),
    initialData: first,
    refetchInterval: ({ state }) => (isUnderWay(state.data) ? LOOK_MS : RENEW_MS),
    refetchIntervalInBackground: true,
    refetchOnWindowFocus: true,
  });
  const video = query.data;
  useEffect(() => {
    void playback.update(video);
  }, [playback, video]);

  const accept = useCallback(
    (news: Video) => {
      client.setQueryData<Video>(keys.video(news.id), (old) => (old ? { ...old, ...news } : news));
    },
    [client],
  );
  const gone = query.error instanceof ApiError && [401, 403, 404].includes(query.error.status);
  return { video, accept, refetch: query.refetch, gone };
}

function isUnderWay(video: Video | undefined): boolean {
  return video?.state === 'recording' || video?.state === 'processing';
}
