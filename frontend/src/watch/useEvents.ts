import { useEffect, useRef } from 'react';
import { subscribe, type Comment, type Video } from '@/api';

interface Handlers {
  onVideo: (video: Video) => void;
  onComment: (comment: Comment) => void;
  onCommentDeleted: (id: string) => void;
  /** It went to the trash, or is not ours to see any more. */
  onVideoRemoved: () => void;
  /** After a gap in which something may have been missed. */
  onReconnect: () => void;
}

/** Follows what happens to a video and its conversation for as long as the page is open. */
export function useEvents(videoId: string, handlers: Handlers): void {
  const latest = useRef(handlers);
  useEffect(() => {
    latest.current = handlers;
  });
  useEffect(
    () =>
      subscribe(`/api/videos/${encodeURIComponent(videoId)}/events`, {
        handlers: {
          video: (data) => latest.current.onVideo(data as Video),
          video_removed: () => latest.current.onVideoRemoved(),
          comment: (data) => latest.current.onComment(data as Comment),
          comment_deleted: (data) => latest.current.onCommentDeleted((data as { id: string }).id),
        },
        onReconnect: () => latest.current.onReconnect(),
      }),
    [videoId],
  );
}
