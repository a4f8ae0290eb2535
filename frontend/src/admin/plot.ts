import type uPlot from 'uplot';

/** A colour by role as the canvas needs it: worked out for the theme that shows. */
function resolved(element: HTMLElement, role: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(--${role})`;
  element.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}

export type Line = { label: string; role: string; area?: boolean };

type Look = {
  lines: Line[];
  format: (value: number) => string;
  onPoint: (index: number | null) => void;
};

/** What uPlot needs to know for one plot, in the colours of the theme that shows. */
export function options(element: HTMLElement, size: { width: number; height: number }, look: Look) {
  const muted = resolved(element, 'muted');
  const line = resolved(element, 'line');
  const axis = {
    stroke: muted,
    font: '11px system-ui, sans-serif',
    grid: { stroke: line, width: 1 },
    ticks: { show: false },
  };
  return {
    ...size,
    legend: { show: false },
    padding: [8, 18, 0, 0],
    cursor: {
      y: false,
      drag: { setScale: false, x: false, y: false },
      points: { size: 7 },
    },
    scales: { x: { time: true }, y: { range: (_, __, max) => [0, roof(max)] } },
    axes: [
      {
        ...axis,
        grid: { show: false },
        space: 56,
        size: 26,
        values: (_, ticks) => ticks.map((tick) => time(tick, ticks)),
      },
      {
        ...axis,
        size: 54,
        space: 34,
        values: (_, ticks) => ticks.map((tick) => look.format(tick)),
        // Whole things are not counted in halves.
        incrs: steps,
      },
    ],
    series: [
      {},
      ...look.lines.map(({ label, role, area }) => {
        const colour = resolved(element, role);
        return {
          label,
          stroke: colour,
          width: 1.75,
          fill: area ? translucent(colour) : undefined,
          points: { show: false },
          spanGaps: false,
        };
      }),
    ],
    hooks: {
      setCursor: [(plot) => look.onPoint(plot.cursor.idx ?? null)],
    },
  } satisfies uPlot.Options;
}

/** The hour, or the day where the ticks are a day apart or more. */
function time(tick: number, all: number[]): string {
  const date = new Date(tick * 1000);
  return (all[1] ?? 0) - (all[0] ?? 0) >= 86_400
    ? date.toLocaleDateString(undefined, { weekday: 'short', day: 'numeric' })
    : date.toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit' });
}

// 1, 2 and 5 in every decade, from one on.
const steps = Array.from({ length: 16 }, (_, power) =>
  [1, 2, 5].map((n) => n * 10 ** power),
).flat();

/** A little room above the highest value, and never nothing. */
function roof(max: number | null): number {
  return Math.max(1, (max ?? 0) * 1.1);
}

function translucent(colour: string): string {
  return `color-mix(in srgb, ${colour} 14%, transparent)`;
}
