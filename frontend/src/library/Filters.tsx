import { Link } from '@tanstack/react-router';
import clsx from 'clsx';
import type { VideoFilter } from '@/api';

const filters: { show: VideoFilter; label: string }[] = [
  { show: 'all', label: 'Everyone' },
  { show: 'mine', label: 'Mine' },
  { show: 'shared', label: 'Shared' },
  { show: 'trash', label: 'Trash' },
];

/** Whose videos. Links, so that each view has an address. */
export function Filters({ show, q }: { show: VideoFilter; q: string }) {
  return (
    <nav aria-label="Filter" className="flex gap-1 rounded-xl bg-sunken p-1 max-sm:w-full">
      {filters.map((filter) => (
        <Link
          key={filter.show}
          to="/"
          search={{ show: filter.show === 'all' ? undefined : filter.show, q: q || undefined }}
          aria-current={filter.show === show ? 'page' : undefined}
          className={clsx(
            'flex h-9 grow items-center justify-center rounded-lg px-3.5 text-sm font-medium transition-colors pointer-coarse:h-11',
            filter.show === show ? 'bg-surface text-ink shadow-card' : 'text-muted hover:text-ink',
          )}
        >
          {filter.label}
        </Link>
      ))}
    </nav>
  );
}
