import { ExternalLink } from 'lucide-react';
import { linkAt, useSecond } from '@/player';
import type { Playback } from '@/player/playback';

interface Props {
  title: string;
  watchUrl: string;
  playback: Playback;
}

/** Over the top of the picture: what it is, and the way to the whole page. It goes and comes with the controls. */
export function TitleBar({ title, watchUrl, playback }: Props) {
  const second = useSecond(playback);
  return (
    <header className="embed-title pointer-events-none absolute inset-x-0 top-0 flex items-start gap-3 bg-linear-to-b from-black/75 to-transparent px-3 pt-2 pb-8 transition-opacity duration-200">
      <h1
        dir="auto"
        className="min-w-0 grow truncate py-1 text-[0.9375rem] font-semibold [text-shadow:0_1px_3px_rgb(0_0_0/0.8)]"
      >
        {title}
      </h1>
      <a
        href={second > 0 ? linkAt(watchUrl, second) : watchUrl}
        target="_blank"
        rel="noopener"
        onClick={() => playback.pause()}
        className="pointer-events-auto flex shrink-0 items-center gap-1.5 rounded-lg bg-black/55 px-2 py-1 text-[0.8125rem] font-medium text-white hover:bg-black/80 pointer-coarse:py-2"
      >
        <span className="max-[24rem]:sr-only">Watch on Meanwhile</span>
        <ExternalLink aria-hidden className="size-4" />
      </a>
    </header>
  );
}
