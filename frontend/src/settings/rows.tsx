import type { ReactNode } from 'react';
import { messageOf } from '@/api';
import { Notice, Skeleton } from '@/ui';

/** A bordered list of things with something to do at the end of each row. */
export function Rows({ label, children }: { label: string; children: ReactNode }) {
  return (
    <ul
      aria-label={label}
      className="divide-y divide-line overflow-hidden rounded-2xl border border-line bg-surface"
    >
      {children}
    </ul>
  );
}

type RowProps = { lead?: ReactNode; title: ReactNode; detail?: ReactNode; action?: ReactNode };

export function Row({ lead, title, detail, action }: RowProps) {
  return (
    <li className="flex min-h-16 flex-wrap items-center gap-x-3.5 gap-y-2 px-4 py-2.5">
      {lead}
      <div className="min-w-0 grow basis-40">
        <p className="truncate font-medium">{title}</p>
        {detail && <p className="truncate text-sm text-muted">{detail}</p>}
      </div>
      {action && <div className="ml-auto">{action}</div>}
    </li>
  );
}

/** What stands there until the rows do. */
export function RowsPending({ error }: { error: Error | null }) {
  if (error) return <Notice tone="danger">{messageOf(error)}</Notice>;
  return <Skeleton className="h-16 rounded-2xl" />;
}
