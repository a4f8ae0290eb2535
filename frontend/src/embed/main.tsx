import { QueryClientProvider } from '@tanstack/react-query';
import { StrictMode, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { keys, makeQueryClient, type Video } from '@/api';
import type { Embedded } from './boot';
import { Card } from './Card';
import { EmbedPage } from './EmbedPage';
import { Locked } from './Locked';

/** Puts the controls around the player that boot.ts has started. */
export function mount(embedded: Embedded): void {
  const client = makeQueryClient();
  const first = embedded.video as Video | null;
  if (first) client.setQueryData(keys.video(first.id), first);
  createRoot(document.getElementById('root')!).render(
    <StrictMode>
      <QueryClientProvider client={client}>
        <Frame embedded={embedded} />
      </QueryClientProvider>
    </StrictMode>,
  );
}

function Frame({ embedded }: { embedded: Embedded }) {
  const { embed, playback, options } = embedded;
  const [video, setVideo] = useState(embedded.video as Video | null);
  const open = (opened: Video) => {
    setVideo(opened);
    void embedded.begin(opened);
  };
  if (video) return <EmbedPage {...{ embed, playback, options }} first={video} />;
  if (embed.locked) return <Locked embed={embed} onOpen={open} />;
  return <Card watchUrl={embed.watch_url} />;
}
