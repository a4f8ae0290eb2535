const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** A length or position as people read it on a player: 0:05, 12:34, 1:02:03. */
export function clock(ms: number): string {
  const total = Number.isFinite(ms) && ms > 0 ? Math.floor(ms / 1000) : 0;
  const seconds = String(total % 60).padStart(2, '0');
  const minutes = Math.floor(total / 60) % 60;
  const hours = Math.floor(total / 3600);
  if (hours === 0) return `${minutes}:${seconds}`;
  return `${hours}:${String(minutes).padStart(2, '0')}:${seconds}`;
}

/** The same for a screen reader: "1 hour 2 minutes 3 seconds". */
export function spokenClock(ms: number): string {
  const total = Number.isFinite(ms) && ms > 0 ? Math.floor(ms / 1000) : 0;
  const parts: [number, string][] = [
    [Math.floor(total / 3600), 'hour'],
    [Math.floor(total / 60) % 60, 'minute'],
    [total % 60, 'second'],
  ];
  const said = parts.filter(([n]) => n > 0).map(([n, unit]) => plural(n, unit));
  return said.join(' ') || '0 seconds';
}

/** How long ago, coarse and short; a date once it is more than a week. */
export function ago(iso: string, now = Date.now()): string {
  const then = new Date(iso).getTime();
  if (Number.isNaN(then)) return '';
  const passed = now - then;
  if (passed < minute) return 'just now';
  if (passed < hour) return `${plural(Math.floor(passed / minute), 'minute')} ago`;
  if (passed < day) return `${plural(Math.floor(passed / hour), 'hour')} ago`;
  if (passed < 2 * day) return 'yesterday';
  if (passed < 7 * day) return `${Math.floor(passed / day)} days ago`;
  return date(iso, now);
}

/** A day; the year only when it is not this one. */
export function date(iso: string, now = Date.now()): string {
  const then = new Date(iso);
  if (Number.isNaN(then.getTime())) return '';
  const sameYear = then.getFullYear() === new Date(now).getFullYear();
  return then.toLocaleDateString(undefined, {
    day: 'numeric',
    month: 'short',
    year: sameYear ? undefined : 'numeric',
  });
}

/** A size in steps of 1000, as disks and browsers count: 512 B, 3.4 MB, 1.2 GB. */
export function bytes(n: number): string {
  if (!Number.isFinite(n) || n < 1000) return `${Math.max(0, Math.round(n) || 0)} B`;
  const units = ['kB', 'MB', 'GB', 'TB', 'PB'];
  let value = n;
  let unit = -1;
  do {
    value /= 1000;
    unit += 1;
  } while (value >= 999.5 && unit < units.length - 1);
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** A count in little room: 999, 1.2k, 34k, 5.6M. */
export function count(n: number): string {
  return new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 })
    .format(n)
    .replace('K', 'k');
}

/** "1 view", "2 views". */
export function plural(n: number, one: string, many = `${one}s`): string {
  return `${n === 1 ? '1' : n.toLocaleString('en')} ${n === 1 ? one : many}`;
}

/** Up to two initials for an avatar, whole characters also beyond the basic plane. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/).filter(Boolean);
  const picked = words.length > 1 ? [words[0], words.at(-1)] : words;
  const letters = picked.map((word) => Array.from(word ?? '')[0] ?? '').join('');
  return letters.toLocaleUpperCase() || '?';
}
