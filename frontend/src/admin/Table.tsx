import clsx from 'clsx';
import type { ReactNode } from 'react';

type Props = { label: string; heads: ReactNode[]; children: ReactNode; className?: string };

/** A table in a card: the first column is text, the others are numbers on the right. What is too wide scrolls inside. */
export function Table({ label, heads, children, className }: Props) {
  return (
    <div
      role="region"
      aria-label={label}
      // What scrolls must be within reach of the keyboard.
      // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
      tabIndex={0}
      className={clsx(
        'overflow-auto rounded-2xl border border-line bg-surface focus-visible:-outline-offset-2',
        className,
      )}
    >
      <table className="w-full text-sm">
        <thead>
          <tr className="border-b border-line text-xs text-muted">
            {heads.map((head, i) => (
              <th
                key={i}
                scope="col"
                className={clsx(
                  'px-3 py-2.5 font-medium first:pl-4 last:pr-4',
                  i === 0 ? 'text-left' : 'text-right',
                )}
              >
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody className="divide-y divide-line">{children}</tbody>
      </table>
    </div>
  );
}

/** A row of it: the first cell names the row. */
export function TableRow({ head, cells }: { head: ReactNode; cells: ReactNode[] }) {
  return (
    <tr>
      <th scope="row" className="py-2.5 pr-3 pl-4 text-left font-medium">
        {head}
      </th>
      {cells.map((cell, i) => (
        <td key={i} className="px-3 py-2.5 text-right whitespace-nowrap tabular-nums last:pr-4">
          {cell}
        </td>
      ))}
    </tr>
  );
}
