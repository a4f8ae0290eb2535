import { ArrowDown } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { clock } from '@/ui';
import type { Entry } from './entries';

const SHOWN_MS = 15_000;

/** Says that somebody has just written, without moving what is being read. */
export function Newcomers(props: { entries: readonly Entry[]; onShow: (id: string) => void }) {
  const [seen, setSeen] = useState<ReadonlySet<string>>(new Set());
  const news = props.entries.filter((entry) => entry.fresh && !seen.has(entry.id));
  const newest = news.at(-1);
  const look = () => setSeen(new Set(props.entries.map((entry) => entry.id)));
  const latest = useRef(look);
  useEffect(() => {
    latest.current = look;
  });
  useEffect(() => {
    if (!newest) return;
    const timer = setTimeout(() => latest.current(), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [newest]);
  const show = () => {
    if (newest) props.onShow(newest.id);
    look();
  };
  return (
    <div role="status" className="px-4 empty:hidden">
      {newest && (
        <button
          type="button"
          onClick={show}
          className="mt-3 flex min-h-9 w-full animate-rise items-center justify-center gap-2 rounded-lg bg-accent-soft px-3 text-sm font-medium text-accent-ink hover:brightness-95"
        >
          <ArrowDown aria-hidden className="size-4 shrink-0" />
          <span className="truncate">{headline(news, newest)}</span>
        </button>
      )}
    </div>
  );
}

function headline(news: Entry[], newest: Entry): string {
  if (news.length > 1) return `${news.length} new comments`;
  const what = newest.parent_id === null ? 'commented' : 'replied';
  return `${newest.author.name} ${what} at ${clock(newest.at_ms)}`;
}
