import { ExternalLink, VideoOff } from 'lucide-react';
import type { ReactNode } from 'react';
import { Button } from '@/ui/Button';

/** What stands in a frame that has no video to show. It says nothing of whether there is one. */
export function Card({ watchUrl }: { watchUrl: string }) {
  return (
    <Middle>
      <VideoOff aria-hidden className="size-7 text-accent-ink [@media(max-height:13rem)]:hidden" />
      <h1 className="text-base font-semibold">This video is not shown here</h1>
      <p className="max-w-sm text-sm text-pretty text-muted [@media(max-height:11rem)]:hidden">
        It may have been removed, or you have to sign in to watch it.
      </p>
      <Button size="sm" asChild>
        <a href={watchUrl} target="_blank" rel="noopener">
          <ExternalLink aria-hidden className="size-4" />
          Open on Meanwhile
        </a>
      </Button>
    </Middle>
  );
}

/** The middle of a frame of whatever size. */
export function Middle({ children }: { children: ReactNode }) {
  return (
    <main className="grid min-h-dvh place-content-center justify-items-center gap-2.5 p-4 text-center">
      {children}
    </main>
  );
}
