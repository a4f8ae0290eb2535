import type { AdminLane } from '@/api';

/** How long something takes or has lasted, coarse: 0 s, 4.2 s, 45 s, 3 min, 2 h, 5 d. */
export function span(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return '0 s';
  if (seconds < 10 && seconds % 1 >= 0.05) return `${seconds.toFixed(1)} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

/** The time from one moment to another, both by the server's clock. */
export function since(then: string, now: string): string {
  return span((new Date(now).getTime() - new Date(then).getTime()) / 1000);
}

const kinds: Record<string, string> = {
  span: 'Rendition of a part',
  audio: 'Sound',
  stills: 'Pictures',
  probe: 'A look into a file',
  mail: 'Letter',
  webhook: 'Webhook',
  housekeeping: 'Housekeeping',
};

/** What a job does, in words. */
export const what = (kind: string): string => kinds[kind] ?? kind;

export type Line = {
  queue: string;
  priority: number;
  waits: number;
  runs: number;
  /** What waits for its time: the next attempt, mostly. */
  later: number;
  oldest: string | null;
};

/** One line for each queue and priority, from one lane for each state of them. */
export function lines(lanes: AdminLane[]): Line[] {
  const found = new Map<string, Line>();
  for (const lane of lanes) {
    const key = `${lane.queue} ${lane.priority}`;
    const line = found.get(key) ?? {
      queue: lane.queue,
      priority: lane.priority,
      waits: 0,
      runs: 0,
      later: 0,
      oldest: null,
    };
    if (lane.state === 'available') line.waits += lane.jobs;
    else if (lane.state === 'running') line.runs += lane.jobs;
    else line.later += lane.jobs;
    if (lane.oldest_at && (!line.oldest || lane.oldest_at < line.oldest)) {
      line.oldest = lane.oldest_at;
    }
    found.set(key, line);
  }
  return [...found.values()].sort(
    (a, b) => a.queue.localeCompare(b.queue) || a.priority - b.priority,
  );
}
