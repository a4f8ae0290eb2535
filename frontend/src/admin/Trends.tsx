import clsx from 'clsx';
import { useState } from 'react';
import { type AdminRange, type AdminSamples, messageOf, useAdminSamples } from '@/api';
import { bytes, count, Notice, Skeleton } from '@/ui';
import { span } from './format';
import { Part } from './Part';
import { Trend, type TrendLook } from './Trend';

const ranges: { value: AdminRange; label: string; words: string }[] = [
  { value: 'hour', label: 'Hour', words: 'in the last hour' },
  { value: 'day', label: 'Day', words: 'in the last 24 hours' },
  { value: 'week', label: 'Week', words: 'in the last 7 days' },
];

const looks: TrendLook[] = [
  {
    title: 'Jobs',
    room: 'sm:col-span-2',
    lines: [
      { name: 'jobs_waiting', label: 'waiting', role: 'accent', area: true },
      { name: 'jobs_running', label: 'running', role: 'warn' },
    ],
    format: count,
  },
  {
    title: 'Longest wait',
    lines: [{ name: 'oldest_wait_seconds', label: 'waited', role: 'accent', area: true }],
    format: span,
  },
  {
    title: 'Failures',
    lines: [{ name: 'failures_per_hour', label: 'within an hour', role: 'danger', area: true }],
    format: count,
  },
  {
    title: 'Recordings',
    lines: [{ name: 'recordings', label: 'under way', role: 'accent', area: true }],
    format: count,
  },
  {
    title: 'Received',
    lines: [{ name: 'received_bytes', label: 'a minute', role: 'accent', area: true }],
    format: bytes,
  },
  {
    title: 'Storage',
    room: 'lg:col-span-2',
    lines: [{ name: 'stored_bytes', label: 'held', role: 'accent', area: true }],
    format: bytes,
  },
  {
    title: 'Workers',
    lines: [{ name: 'workers', label: 'at work', role: 'accent', area: true }],
    format: count,
  },
];

/** How it went over time: one plot for each question an operator has. */
export function Trends() {
  const [range, setRange] = useState<AdminRange>('day');
  const samples = useAdminSamples(range);
  const words = ranges.find(({ value }) => value === range)?.words ?? '';
  return (
    <Part id="trends" title="Over time" action={<Ranges value={range} onChange={setRange} />}>
      {!samples.data && samples.error && <Notice tone="danger">{messageOf(samples.error)}</Notice>}
      {!samples.data && !samples.error && <Skeleton className="h-56 rounded-2xl" />}
      {samples.data && <Grid samples={samples.data} words={words} />}
    </Part>
  );
}

function Grid({ samples, words }: { samples: AdminSamples; words: string }) {
  const seen = samples.series.some(({ values }) => values.some((value) => value !== null));
  return (
    <>
      {!seen && (
        <p className="mb-3 text-sm text-muted">
          Nothing has been noted yet: a server that does jobs does so once a minute.
        </p>
      )}
      <div className="grid gap-4 sm:grid-cols-2 lg:grid-cols-3">
        {looks.map((look) => (
          <Trend key={look.title} look={look} samples={samples} words={words} />
        ))}
      </div>
    </>
  );
}

function Ranges({ value, onChange }: { value: AdminRange; onChange: (range: AdminRange) => void }) {
  return (
    <div role="group" aria-label="How far back" className="flex rounded-xl bg-sunken p-1">
      {ranges.map((range) => (
        <button
          key={range.value}
          type="button"
          aria-pressed={range.value === value}
          onClick={() => onChange(range.value)}
          className={clsx(
            'h-8 rounded-lg px-3.5 text-sm font-medium pointer-coarse:h-11',
            range.value === value ? 'bg-surface text-ink shadow-card' : 'text-muted hover:text-ink',
          )}
        >
          {range.label}
        </button>
      ))}
    </div>
  );
}
