import { lazy, Suspense, type ComponentType } from 'react';
import type { Video } from '@/api';
import { Skeleton } from '@/ui';

type Module = { Snippets: ComponentType<{ video: Video }> };

const found = Object.values(import.meta.glob<Module>('../embed/Snippets.tsx'))[0];

/** What other sites need in order to show the player. */
export const hasEmbed = found !== undefined;

const Snippets = lazy(async () => ({ default: (await found!()).Snippets }));

export function EmbedPanel({ video }: { video: Video }) {
  return (
    <Suspense fallback={<Skeleton className="h-40 rounded-xl" />}>
      <Snippets video={video} />
    </Suspense>
  );
}
