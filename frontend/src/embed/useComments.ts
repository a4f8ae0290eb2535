import { useQuery } from '@tanstack/react-query';
import { comments, keys, type Comment } from '@/api';

const LOOK_MS = 60_000;
const NOBODY: Comment[] = [];

/** What was said about a video, read now and then; a frame holds no line open for it. */
export function useComments(videoId: string, wanted: boolean): Comment[] {
  const { data } = useQuery({
    queryKey: keys.comments(videoId),
    queryFn: ({ signal }) => comments.list(videoId, signal),
    enabled: wanted,
    refetchInterval: LOOK_MS,
  });
  return data?.items ?? NOBODY;
}
