import { type QueryClient, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { keys, subscribe, type Video, type VideoFilter, type VideoPages } from '@/api';
import { applyVideo, removeVideo } from './pages';

/** Keeps every list of videos true while the library is open, without asking again. */
export function useLibraryEvents(me: string | undefined): void {
  const client = useQueryClient();
  useEffect(() => {
    if (!me) return;
    return subscribe('/api/events', {
      handlers: {
        video: (data) => takeIn(client, data as Video, me),
        video_removed: (data) => takeOut(client, (data as { id: string }).id),
      },
      onReconnect: () => void client.invalidateQueries({ queryKey: keys.videos }),
    });
  }, [client, me]);
}

/** Brings a video into all lists that are cached. */
export function takeIn(client: QueryClient, video: Video, me: string): void {
  const lists = client.getQueriesData<VideoPages>({ queryKey: ['videos', 'list'] });
  for (const [key, pages] of lists) {
    if (!pages) continue;
    const scope = { filter: key[2] as VideoFilter, q: String(key[3] ?? ''), me };
    client.setQueryData<VideoPages>(key, applyVideo(pages, video, scope));
  }
}

/** Takes a video out of all lists but the trash, whose own answer decides. */
export function takeOut(client: QueryClient, id: string): void {
  const lists = client.getQueriesData<VideoPages>({ queryKey: ['videos', 'list'] });
  for (const [key, pages] of lists) {
    if (!pages) continue;
    if (key[2] === 'trash') void client.invalidateQueries({ queryKey: key });
    else client.setQueryData<VideoPages>(key, removeVideo(pages, id));
  }
}
