const CLOCK = /^(?:(\d{1,3}):)?(\d{1,3}):([0-5]?\d)(?:\.\d+)?$/;
const UNITS = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s?)?$/;

/** Reads 83, 83.5, 83s, 1m23s, 1h2m3s and 1:23. Null when it is none of these. */
export function parseTime(text: string): number | null {
  const value = text.trim().toLowerCase();
  if (value === '' || value.length > 16) return null;
  const clock = CLOCK.exec(value);
  if (clock) return sum(clock[1], clock[2], clock[3]);
  const units = UNITS.exec(value);
  return units && units[0] !== '' ? sum(units[1], units[2], units[3]) : null;
}

function sum(h?: string, m?: string, s?: string): number {
  return Number(h ?? 0) * 3600 + Number(m ?? 0) * 60 + Number(s ?? 0);
}

/** The second a link asks for: `?t=83`, `?t=1m23s`, `#t=83`. Null when it asks for none. */
export function startFromUrl(url: URL): number | null {
  const asked = url.searchParams.get('t') ?? /^#t=(.+)$/.exec(url.hash)?.[1] ?? null;
  return asked === null ? null : parseTime(asked);
}

/** The page's address at a second, without whatever else the address carried. */
export function linkAt(watchUrl: string, seconds: number): string {
  const url = new URL(watchUrl, location.origin);
  url.searchParams.set('t', String(Math.max(0, Math.floor(seconds))));
  return url.toString();
}
