import { memo, startTransition, useEffect, useMemo, useRef, useState } from 'react';
import type { Account, Video } from '@/api';
import type { Playback } from '@/player';
import { ThreadItem } from './ThreadItem';
import { chunked, type Thread } from './threads';
import type { Talk } from './useConversation';
import type { Reveal } from './useReveal';

/** What every comment needs to act. */
export interface Context {
  video: Video;
  playback: Playback;
  talk: Talk;
  account: Account | null;
}

interface Props {
  threads: readonly Thread[];
  current: string | null;
  reveal: Reveal;
  context: Context;
}

const CHUNK = 10;
// A thread without replies and two lines of text; corrected as soon as a chunk was drawn once.
const GUESS_PX = 108;

/** All threads. Only the chunks near the view are in the document, so that thousands stay smooth. */
export function ThreadList({ threads, current, reveal, context }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const chunks = useMemo(() => chunked(threads, CHUNK), [threads]);
  const wanted = threads.findIndex(({ root, replies }) =>
    [root, ...replies].some(({ id }) => id === reveal.id),
  );
  useEffect(() => {
    if (wanted < 0 || reveal.id === null) return;
    const target = document.getElementById(`c-${reveal.id}`);
    if (!target) return;
    target.scrollIntoView({ block: 'center' });
    flash(target);
    reveal.done();
  }, [wanted, reveal]);
  return (
    <div
      ref={scroller}
      className="min-h-0 grow overflow-y-auto overscroll-contain pb-4 max-lg:overflow-visible empty:hidden"
    >
      {chunks.map((chunk, index) => (
        <Chunk
          key={index}
          threads={chunk}
          current={chunk.some(({ root }) => root.id === current) ? current : null}
          forced={wanted >= 0 && Math.floor(wanted / CHUNK) === index}
          context={context}
        />
      ))}
    </div>
  );
}

interface ChunkProps {
  threads: Thread[];
  current: string | null;
  /** Draw it now, for it is about to be scrolled to. */
  forced: boolean;
  context: Context;
}

const Chunk = memo(function Chunk({ threads, current, forced, context }: ChunkProps) {
  const box = useRef<HTMLDivElement>(null);
  const [near, setNear] = useState(false);
  const [height, setHeight] = useState<number | null>(null);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new IntersectionObserver(
      ([entry]) => {
        // A box somebody types into stays, however far they scroll.
        if (!entry || (!entry.isIntersecting && element.querySelector('textarea'))) return;
        startTransition(() => {
          if (!entry.isIntersecting) setHeight(entry.boundingClientRect.height);
          setNear(entry.isIntersecting);
        });
      },
      { rootMargin: '1200px 0px' },
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const drawn = near || forced;
  return (
    <div ref={box} style={drawn ? undefined : { height: height ?? threads.length * GUESS_PX }}>
      {drawn &&
        threads.map((thread) => (
          <ThreadItem
            key={thread.root.id}
            thread={thread}
            current={thread.root.id === current}
            context={context}
          />
        ))}
    </div>
  );
});

function flash(element: HTMLElement): void {
  element.dataset.flash = '';
  setTimeout(() => delete element.dataset.flash, 2_000);
}
