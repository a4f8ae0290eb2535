import clsx from 'clsx';
import { useMemo, useState } from 'react';
import type { AdminSamples } from '@/api';
import { Plot } from './Plot';
import type { Line } from './plot';
import { Table, TableRow } from './Table';

export type TrendLook = {
  title: string;
  /** How many columns it takes, where there are several. */
  room?: string;
  lines: (Line & { name: AdminSamples['series'][number]['name'] })[];
  format: (value: number) => string;
};

type Props = { look: TrendLook; samples: AdminSamples; words: string };

/** A plot with what it says in numbers: now, at the pointer, and all of it as a table. */
export function Trend({ look, samples, words }: Props) {
  const [point, setPoint] = useState<number | null>(null);
  const lines = useMemo(
    () =>
      look.lines.map((line) => ({
        ...line,
        values: samples.series.find(({ name }) => name === line.name)?.values ?? [],
      })),
    [look, samples],
  );
  const at = point ?? lastSeen(lines[0]?.values ?? []);
  const when = point === null ? '' : moment(samples.times[at], samples.step_s);
  const text = (value: number | null | undefined) =>
    value === null || value === undefined ? '–' : look.format(value);
  const label = `${look.title} ${words}: ${lines
    .map(
      ({ label, values }) =>
        `${label} now ${text(values[lastSeen(values)])}, at most ${text(highest(values))}`,
    )
    .join('; ')}.`;
  return (
    <figure
      className={clsx('min-w-0 rounded-2xl border border-line bg-surface p-4 pb-3', look.room)}
    >
      <figcaption className="flex items-baseline justify-between gap-3">
        <h3 className="text-sm font-medium">{look.title}</h3>
        <span className="text-xs text-muted tabular-nums">{when}</span>
      </figcaption>
      <p className="mb-2 flex flex-wrap gap-x-4 gap-y-0.5">
        {lines.map((line) => (
          <span key={line.name} className="flex items-baseline gap-1.5">
            {lines.length > 1 && (
              <span
                aria-hidden
                className="size-2 rounded-full"
                style={{ background: `var(--${line.role})` }}
              />
            )}
            <span className="text-lg font-semibold tabular-nums">{text(line.values[at])}</span>
            <span className="text-xs text-muted">{line.label}</span>
          </span>
        ))}
      </p>
      <Plot
        times={samples.times}
        lines={lines}
        format={look.format}
        label={label}
        onPoint={setPoint}
      />
      <details className="mt-1 text-sm">
        <summary className="inline-block rounded-md py-1 text-xs text-muted hover:text-ink">
          As a table
        </summary>
        <Table
          label={`${look.title} ${words}`}
          heads={['Time', ...lines.map(({ label }) => label)]}
          className="mt-2 max-h-64"
        >
          {samples.times
            .map((time, i) => ({ time, i }))
            .filter(({ i }) => lines.some(({ values }) => (values[i] ?? null) !== null))
            .reverse()
            .map(({ time, i }) => (
              <TableRow
                key={time}
                head={moment(time, samples.step_s)}
                cells={lines.map(({ values }) => text(values[i]))}
              />
            ))}
        </Table>
      </details>
    </figure>
  );
}

function lastSeen(values: (number | null)[]): number {
  const found = values.findLastIndex((value) => value !== null);
  return found < 0 ? 0 : found;
}

function highest(values: (number | null)[]): number | null {
  const seen = values.filter((value) => value !== null);
  return seen.length === 0 ? null : Math.max(...seen);
}

/** A time in the reader's zone: with its day where a step is an hour. */
function moment(seconds: number | undefined, step: number): string {
  if (seconds === undefined) return '';
  const date = new Date(seconds * 1000);
  return date.toLocaleString(undefined, {
    weekday: step >= 3600 ? 'short' : undefined,
    hour: '2-digit',
    minute: '2-digit',
  });
}
