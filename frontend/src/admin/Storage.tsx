import { type AdminStored, useAdminStorage } from '@/api';
import { RowsPending } from '@/settings/rows';
import { bytes, count, plural } from '@/ui';
import { Table, TableRow } from './Table';

/** What is held, where, and by whom. */
export function Storage() {
  const storage = useAdminStorage();
  if (!storage.data) return <RowsPending error={storage.error} />;
  return (
    <div className="grid gap-4">
      <Totals stored={storage.data} />
      <Table
        label="Workspaces by what they hold"
        heads={['Workspace', 'Holds', 'Videos', 'Trash']}
        className="max-h-112"
      >
        {storage.data.workspaces.map((workspace) => (
          <TableRow
            key={workspace.id}
            head={workspace.name}
            cells={[
              bytes(workspace.bytes) +
                (workspace.quota_bytes ? ` of ${bytes(workspace.quota_bytes)}` : ''),
              count(workspace.videos),
              workspace.trashed ? bytes(workspace.trashed_bytes) : '–',
            ]}
          />
        ))}
      </Table>
    </div>
  );
}

function Totals({ stored }: { stored: AdminStored }) {
  const facts = [
    {
      name: 'Media',
      value: bytes(stored.bytes),
      note: `${plural(stored.videos, 'video')} in ${stored.objects}`,
    },
    { name: 'Trash', value: bytes(stored.trashed_bytes), note: plural(stored.trashed, 'video') },
    {
      name: 'Unfinished uploads',
      value: bytes(stored.upload_bytes),
      note: plural(stored.uploads, 'upload'),
    },
    {
      name: 'To be deleted',
      value: count(stored.garbage),
      note: stored.garbage === 1 ? 'object or group of them' : 'objects or groups of them',
    },
    { name: 'Database', value: bytes(stored.database_bytes), note: stored.database },
  ];
  return (
    <dl className="grid grid-cols-2 gap-px overflow-hidden rounded-2xl border border-line bg-line sm:grid-cols-3 lg:grid-cols-5">
      {facts.map((fact) => (
        <div key={fact.name} className="bg-surface px-4 py-3.5 max-sm:last:col-span-2">
          <dt className="text-xs text-muted">{fact.name}</dt>
          <dd className="mt-0.5 text-lg font-semibold tabular-nums">{fact.value}</dd>
          <dd className="text-xs text-pretty text-muted wrap-anywhere">{fact.note}</dd>
        </div>
      ))}
    </dl>
  );
}
