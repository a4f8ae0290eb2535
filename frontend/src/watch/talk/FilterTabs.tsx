import clsx from 'clsx';
import type { Filter } from './threads';

interface Props {
  filter: Filter;
  onChange: (filter: Filter) => void;
  open: number;
  resolved: number;
}

/** Open or resolved threads, with how many there are. */
export function FilterTabs({ filter, onChange, open, resolved }: Props) {
  const options: [Filter, string, number][] = [
    ['open', 'Open', open],
    ['resolved', 'Resolved', resolved],
  ];
  return (
    <div role="group" aria-label="Show comments" className="flex rounded-lg bg-sunken p-0.5">
      {options.map(([value, label, count]) => (
        <button
          key={value}
          type="button"
          aria-pressed={filter === value}
          onClick={() => onChange(value)}
          className={clsx(
            'min-h-8 rounded-md px-2.5 text-[0.8125rem] font-medium tabular-nums pointer-coarse:min-h-11',
            filter === value ? 'bg-raised text-ink shadow-card' : 'text-muted hover:text-ink',
          )}
        >
          {label} {count}
        </button>
      ))}
    </div>
  );
}
