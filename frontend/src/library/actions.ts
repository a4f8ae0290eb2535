import { useQueryClient } from '@tanstack/react-query';
import { useMemo } from 'react';
import { keys, messageOf, useSession, type Video, videos } from '@/api';
import { toast } from '@/ui';
import { takeIn, takeOut } from './live';

/**
 * What can be done with a video. Each shows its result at once and takes it back, with a sentence, if the server
 * refuses.
 */
export function useVideoActions() {
  const client = useQueryClient();
  const account = useSession().data?.account;
  const me = account?.id ?? '';
  const workspace = account?.workspace_id ?? '';

  return useMemo(() => {
    const show = (video: Video) => takeIn(client, video, { me, workspace });
    const attempt = async (before: Video, guess: Partial<Video>, send: () => Promise<Video>) => {
      show({ ...before, ...guess });
      try {
        show(await send());
      } catch (error) {
        show(before);
        toast.error(messageOf(error));
      }
    };
    const restore = async (video: Video) => {
      try {
        show(await videos.restore(video.id));
        toast.success('Restored', { description: video.title });
      } catch (error) {
        toast.error(messageOf(error));
      }
      void client.invalidateQueries({ queryKey: keys.videos });
    };
    const trash = async (video: Video) => {
      takeOut(client, video.id);
      try {
        await videos.trash(video.id);
        toast('Moved to the trash', {
          description: video.title,
          duration: 8000,
          action: { label: 'Undo', onClick: () => void restore(video) },
        });
      } catch (error) {
        void client.invalidateQueries({ queryKey: keys.videos });
        toast.error(messageOf(error));
      }
    };
    const remove = async (video: Video) => {
      takeOut(client, video.id);
      try {
        await videos.remove(video.id);
        toast('Deleted for good', { description: video.title });
      } catch (error) {
        void client.invalidateQueries({ queryKey: keys.videos });
        toast.error(messageOf(error));
      }
    };
    return {
      show,
      restore,
      trash,
      remove,
      rename: (video: Video, title: string) =>
        attempt(video, { title }, () => videos.update(video.id, { title })),
      retry: (video: Video) =>
        attempt(video, { state: 'processing', progress: 0 }, () => videos.retry(video.id)),
      finish: (video: Video) =>
        attempt(video, { state: 'processing', progress: 0 }, () => videos.finish(video.id)),
    };
  }, [client, me, workspace]);
}

export type VideoActions = ReturnType<typeof useVideoActions>;
