import { type QueryClient, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import {
  keys,
  shareKeys,
  subscribe,
  useSession,
  type Video,
  type VideoFilter,
  type VideoPages,
} from '@/api';
import { applyVideo, removeVideo } from './pages';

/** Keeps every list of videos, and the inbox, true while the application is open, without asking again. */
export function useLibraryEvents(): void {
  const client = useQueryClient();
  const account = useSession().data?.account;
  const me = account?.id;
  const workspace = account?.workspace_id ?? '';
  useEffect(() => {
    if (!me) return;
    return subscribe('/api/events', {
      handlers: {
        video: (data) => takeIn(client, data as Video, { me, workspace }),
        notice: () => void client.invalidateQueries({ queryKey: shareKeys.inbox }),
        video_removed: (data) => takeOut(client, (data as { id: string }).id),
      },
      onReconnect: () => {
        void client.invalidateQueries({ queryKey: keys.videos });
        void client.invalidateQueries({ queryKey: shareKeys.inbox });
      },
    });
  }, [client, me, workspace]);
}

/** Who looks at the lists, and from which workspace. */
export type Asker = { me: string; workspace: string };

/** Brings a video into all lists that are cached. */
export function takeIn(client: QueryClient, video: Video, asker: Asker): void {
  const lists = client.getQueriesData<VideoPages>({ queryKey: ['videos', 'list'] });
  for (const [key, pages] of lists) {
    if (!pages) continue;
    const scope = { filter: key[2] as VideoFilter, q: String(key[3] ?? ''), ...asker };
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
