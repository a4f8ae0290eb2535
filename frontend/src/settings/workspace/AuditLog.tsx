import { Download } from 'lucide-react';
import { useState } from 'react';
import { audit, type AuditEntry, type AuditFilter, useAudit, useMembers } from '@/api';
import { Ago, Button, Field, Select } from '@/ui';
import { RowsPending } from '../rows';
import { actions, sentence } from './actions';

/** Who saw, changed, shared and downloaded what, for those who look after the workspace. */
export function AuditLog() {
  const [filter, setFilter] = useState<AuditFilter>({});
  const log = useAudit(filter);
  const entries = log.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <div className="grid gap-5">
      <Filters filter={filter} onChange={setFilter} />
      {!log.data && <RowsPending error={log.error} />}
      {log.data && entries.length === 0 && (
        <p className="text-muted">Nothing of this sort was done.</p>
      )}
      {entries.length > 0 && <Entries entries={entries} />}
      <div className="flex flex-wrap gap-2.5">
        {log.hasNextPage && (
          <Button size="sm" busy={log.isFetchingNextPage} onClick={() => void log.fetchNextPage()}>
            Show older
          </Button>
        )}
        {(['csv', 'json'] as const).map((format) => (
          <Button key={format} size="sm" tone="ghost" asChild>
            <a href={audit.exportUrl(format, filter)} download>
              <Download aria-hidden className="size-4" />
              Save as {format.toUpperCase()}
            </a>
          </Button>
        ))}
      </div>
    </div>
  );
}

type FilterProps = { filter: AuditFilter; onChange: (filter: AuditFilter) => void };

function Filters({ filter, onChange }: FilterProps) {
  const members = useMembers();
  const day = (name: 'since' | 'until', text: string) =>
    onChange({ ...filter, [name]: text ? startOf(text, name === 'until') : undefined });
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <Select
        label="What"
        value={filter.action ?? ''}
        onChange={(event) => onChange({ ...filter, action: event.target.value || undefined })}
      >
        <option value="">Everything</option>
        {actions.map(({ value, label }) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </Select>
      <Select
        label="Who"
        value={filter.account ?? ''}
        onChange={(event) => onChange({ ...filter, account: event.target.value || undefined })}
      >
        <option value="">Everybody</option>
        {members.data?.items.map((member) => (
          <option key={member.id} value={member.id}>
            {member.name}
          </option>
        ))}
      </Select>
      <Field label="From" type="date" onChange={(event) => day('since', event.target.value)} />
      <Field label="To" type="date" onChange={(event) => day('until', event.target.value)} />
    </div>
  );
}

/** The start of a day here, or of the one after it. */
function startOf(text: string, next: boolean): string | undefined {
  const date = new Date(`${text}T00:00:00`);
  if (Number.isNaN(date.getTime())) return undefined;
  if (next) date.setDate(date.getDate() + 1);
  return date.toISOString();
}

function Entries({ entries }: { entries: AuditEntry[] }) {
  return (
    <ol
      aria-label="Audit log"
      className="divide-y divide-line overflow-hidden rounded-2xl border border-line bg-surface"
    >
      {entries.map((entry) => (
        <li key={entry.id} className="grid gap-0.5 px-4 py-2.5 text-sm">
          <p className="break-words">
            <span className="font-medium" title={entry.actor.email}>
              {entry.actor.name}
            </span>{' '}
            {sentence(entry)}
          </p>
          <p className="text-xs text-muted">
            <Ago iso={entry.at} />
            {entry.actor.email && ` · ${entry.actor.email}`}
            {entry.actor.address && ` · ${entry.actor.address}`}
          </p>
        </li>
      ))}
    </ol>
  );
}
