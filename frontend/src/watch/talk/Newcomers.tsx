import { ArrowDown } from 'lucide-react';
import { useState } from 'react';
import { clock } from '@/ui';
import type { Entry } from './entries';

/** Says that somebody has just written, without moving what is being read. */
export function Newcomers(props: { entries: readonly Entry[]; onShow: (id: string) => void }) {
  const [seen, setSeen] = useState<ReadonlySet<string>>(new Set());
  const news = props.entries.filter((entry) => entry.fresh && !seen.has(entry.id));
  const newest = news.at(-1);
  const show = () => {
    if (newest) props.onShow(newest.id);
    setSeen(new Set([...seen, ...news.map((entry) => entry.id)]));
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
          <span className="truncate">
            {news.length > 1 ? `${news.length} new comments` : `${newest.author.name} answered`} at{' '}
            {clock(newest.at_ms)}
          </span>
        </button>
      )}
    </div>
  );
}
