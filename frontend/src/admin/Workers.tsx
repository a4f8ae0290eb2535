import clsx from 'clsx';
import { Cpu, Server } from 'lucide-react';
import { type AdminWorker, useAdminWorkers, useSession } from '@/api';
import { RowsPending } from '@/settings/rows';
import { Ago, Badge, plural } from '@/ui';
import { since } from './format';

/** The processes that do jobs: servers, and workers beside them. */
export function Workers() {
  const workers = useAdminWorkers();
  if (!workers.data) return <RowsPending error={workers.error} />;
  if (workers.data.items.length === 0) {
    return (
      <p className="rounded-2xl border border-line bg-surface px-4 py-5 text-sm text-muted">
        Nobody does jobs now.
      </p>
    );
  }
  return (
    <ul
      aria-label="Workers"
      className="divide-y divide-line overflow-hidden rounded-2xl border border-line bg-surface"
    >
      {workers.data.items.map((worker) => (
        <WorkerRow key={worker.id} worker={worker} now={workers.data.now} />
      ))}
    </ul>
  );
}

function WorkerRow({ worker, now }: { worker: AdminWorker; now: string }) {
  const mine = useSession().data?.version;
  const Icon = worker.kind === 'server' ? Server : Cpu;
  return (
    <li className="flex flex-wrap items-center gap-x-3.5 gap-y-2 px-4 py-3 text-sm">
      <Icon aria-hidden className="size-4.5 shrink-0 text-muted" />
      <div className="min-w-0 grow basis-44">
        <p className="flex flex-wrap items-center gap-x-2 gap-y-1 font-medium">
          <span className="truncate">{worker.host}</span>
          <Badge>{worker.kind}</Badge>
          {worker.stale && <Badge tone="warn">not heard of for {since(worker.seen_at, now)}</Badge>}
          {mine && worker.version !== mine && <Badge tone="warn">{worker.version}</Badge>}
        </p>
        <p className="truncate text-xs text-muted">
          {worker.version} · started <Ago iso={worker.started_at} />
        </p>
      </div>
      <Slots worker={worker} />
    </li>
  );
}

/** How many of its slots are taken: as squares while there are few, in words always. */
function Slots({ worker }: { worker: AdminWorker }) {
  if (worker.slots === 0) return <p className="text-xs text-muted">converts nothing</p>;
  return (
    <div className="flex items-center gap-2.5">
      {worker.slots <= 12 && (
        <span aria-hidden className="flex gap-1">
          {Array.from({ length: worker.slots }, (_, i) => (
            <span
              key={i}
              className={clsx(
                'size-2.5 rounded-xs',
                i < worker.busy ? 'bg-accent' : 'bg-sunken ring-1 ring-edge ring-inset',
              )}
            />
          ))}
        </span>
      )}
      <span className="text-xs text-muted tabular-nums">
        {worker.busy} of {plural(worker.slots, 'slot')} busy
      </span>
    </div>
  );
}
