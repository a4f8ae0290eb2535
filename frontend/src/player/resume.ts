/** Where a viewer left a video, kept in this browser only. */
const PREFIX = 'meanwhile:place:';
const KEEP = 200;

interface Place {
  t: number;
  at: number;
}

/** The second to go on from; null near either end, where starting over is what people want. */
export function placeOf(videoId: string, duration: number): number | null {
  const place = read(PREFIX + videoId);
  if (place === null || place.t < 5) return null;
  return duration > 0 && place.t > duration - Math.min(10, duration * 0.05) ? null : place.t;
}

/** Keeps the place. A full or refused storage is no reason to trouble a viewer. */
export function keepPlace(videoId: string, seconds: number): void {
  try {
    localStorage.setItem(
      PREFIX + videoId,
      JSON.stringify({ t: Math.floor(seconds), at: Date.now() }),
    );
    forgetOldest();
  } catch {
    // Private windows may refuse storage.
  }
}

function forgetOldest(): void {
  const keys = Object.keys(localStorage).filter((key) => key.startsWith(PREFIX));
  if (keys.length <= KEEP) return;
  const aged = keys.map((key) => ({ key, at: read(key)?.at ?? 0 })).sort((a, b) => a.at - b.at);
  for (const { key } of aged.slice(0, keys.length - KEEP)) localStorage.removeItem(key);
}

function read(key: string): Place | null {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(key) ?? 'null');
    if (typeof value !== 'object' || value === null) return null;
    const { t, at } = value as Partial<Place>;
    return typeof t === 'number' && Number.isFinite(t)
      ? { t, at: typeof at === 'number' ? at : 0 }
      : null;
  } catch {
    return null;
  }
}

/** Volume, mute and speed, the same for every video. */
export interface Taste {
  volume: number;
  muted: boolean;
  rate: number;
}

const TASTE = 'meanwhile:taste';

/** The viewer's own settings, with sane bounds whatever the storage holds. */
export function readTaste(): Taste {
  try {
    const kept = JSON.parse(localStorage.getItem(TASTE) ?? '{}') as Partial<Taste>;
    return {
      volume: bounded(kept.volume, 0, 1, 1),
      muted: kept.muted === true,
      rate: bounded(kept.rate, 0.5, 2.5, 1),
    };
  } catch {
    return { volume: 1, muted: false, rate: 1 };
  }
}

/** Keeps the viewer's own settings. */
export function keepTaste(taste: Taste): void {
  try {
    localStorage.setItem(TASTE, JSON.stringify(taste));
  } catch {
    // As above.
  }
}

function bounded(value: unknown, low: number, high: number, otherwise: number): number {
  return typeof value === 'number' && value >= low && value <= high ? value : otherwise;
}
