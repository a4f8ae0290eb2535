import { useAdminQueues } from '@/api';
import { RowsPending } from '@/settings/rows';
import { lines, since } from './format';
import { Table, TableRow } from './Table';

const names: Record<string, string> = {
  media: 'Media',
  mail: 'Mail',
  webhook: 'Webhooks',
  default: 'Housekeeping',
};

const priorities: Record<number, string> = {
  1: 'somebody waits',
  2: 'keeps up',
  3: 'can wait',
};

/** What its priority means; housekeeping has one, but nobody waits for it. */
const meaning = (queue: string, priority: number) =>
  queue === 'default' ? 'by itself' : (priorities[priority] ?? `priority ${priority}`);

/** What waits and what runs, by queue and priority. */
export function Queues() {
  const queues = useAdminQueues();
  if (!queues.data) return <RowsPending error={queues.error} />;
  const rows = lines(queues.data.lanes);
  if (rows.length === 0) {
    return (
      <p className="rounded-2xl border border-line bg-surface px-4 py-5 text-sm text-muted">
        Nothing waits, nothing runs.
      </p>
    );
  }
  return (
    <Table label="Queues" heads={['Queue', 'Waits', 'Runs', 'Later', 'Oldest']}>
      {rows.map((row) => (
        <TableRow
          key={`${row.queue} ${row.priority}`}
          head={
            <>
              {names[row.queue] ?? row.queue}
              <span className="block text-xs font-normal text-muted">
                {meaning(row.queue, row.priority)}
              </span>
            </>
          }
          cells={[
            row.waits,
            row.runs,
            row.later,
            row.oldest ? since(row.oldest, queues.data.now) : '–',
          ]}
        />
      ))}
    </Table>
  );
}
