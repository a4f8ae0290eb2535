import { date } from '@/ui/format';

/** When a link ends, or has ended: "ends 3 Dec, 14:00". */
export function expiry(iso: string, now = Date.now()): string {
  const at = new Date(iso);
  const clock = at.toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit' });
  return `${at.getTime() > now ? 'ends' : 'ended'} ${date(iso, now)}, ${clock}`;
}

/** The value of an input of type datetime-local, which knows no zone. */
export function localInput(iso: string | null): string {
  if (!iso) return '';
  const at = new Date(iso);
  const shifted = new Date(at.getTime() - at.getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, 16);
}

/** What such an input means, or null for nothing. */
export function fromLocalInput(value: string): string | null {
  const at = new Date(value);
  return value === '' || Number.isNaN(at.getTime()) ? null : at.toISOString();
}
