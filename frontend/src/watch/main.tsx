import { QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { keys, makeQueryClient, type Session, type Video } from '@/api';
import type { Booted } from '@/player';
import { Toaster } from '@/ui';
import { Absent } from './Absent';
import { Locked } from './Locked';
import { WatchPage } from './WatchPage';

/** Puts the application around the player that boot.ts has started. */
export function mount({ data, playback }: Booted): void {
  const client = makeQueryClient();
  const session = data.session as Session | null;
  const video = data.video as Video | null;
  if (session) client.setQueryData(keys.session, session);
  if (video) client.setQueryData(keys.video(video.id), video);
  createRoot(place('root')).render(
    <StrictMode>
      <QueryClientProvider client={client}>
        {video && <WatchPage first={video} playback={playback} />}
        {!video && data.locked && <Locked link={data.locked} session={session} />}
        {!video && !data.locked && <Absent session={session} />}
        <Toaster />
      </QueryClientProvider>
    </StrictMode>,
  );
}

function place(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (!element) throw new Error(`watch.html has no #${id}`);
  return element;
}
