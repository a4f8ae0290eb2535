import { useAdminAbout } from '@/api';
import { RowsPending } from '@/settings/rows';

const sandboxes: Record<string, string> = {
  full: 'full',
  partial: 'partial',
  none: 'none',
};

/** What runs on the server that answered. */
export function Versions() {
  const about = useAdminAbout();
  if (!about.data) return <RowsPending error={about.error} />;
  const v = about.data.versions;
  const facts = [
    { name: 'This server', value: `Meanwhile ${v.meanwhile}` },
    { name: 'Go', value: v.go.replace(/^go/, '') },
    { name: 'ffmpeg', value: v.ffmpeg || 'not here: workers convert' },
    { name: 'Sandbox', value: v.sandbox ? (sandboxes[v.sandbox] ?? v.sandbox) : 'not needed here' },
    { name: 'Database', value: v.database },
    {
      name: 'Schema',
      value:
        v.schema === v.latest_schema
          ? String(v.schema)
          : `${v.schema}; this server knows ${v.latest_schema}`,
    },
    { name: 'Media store', value: v.objects },
  ];
  return (
    <dl className="grid overflow-hidden rounded-2xl border border-line bg-surface text-sm">
      {facts.map((fact) => (
        <div
          key={fact.name}
          className="grid grid-cols-[8.5rem_1fr] gap-3 border-line px-4 py-2.5 not-first:border-t"
        >
          <dt className="text-muted">{fact.name}</dt>
          <dd className="min-w-0 wrap-anywhere">{fact.value}</dd>
        </div>
      ))}
    </dl>
  );
}
