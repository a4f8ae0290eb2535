import type { Quality } from './model';

/** The rungs a master playlist offers, best first, one per playlist. */
export function parseMaster(text: string): Quality[] {
  const lines = text.split(/\r?\n/);
  const found = new Map<string, Quality>();
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!;
    if (!line.startsWith('#EXT-X-STREAM-INF:')) continue;
    const uri = lines.slice(i + 1).find((next) => next !== '' && !next.startsWith('#'));
    if (uri === undefined) continue;
    const height = Number(/RESOLUTION=\d+x(\d+)/.exec(line)?.[1] ?? 0);
    const id = rungOf(uri);
    if (!found.has(id)) found.set(id, quality(id, height));
  }
  return sortQualities([...found.values()]);
}

/** "720p" for …/720p.m3u8?x=1: what names a rung, in our playlists and in hls.js alike. */
export function rungOf(uri: string): string {
  const path = uri.split(/[?#]/, 1)[0]!;
  return path.slice(path.lastIndexOf('/') + 1).replace(/\.m3u8$/, '');
}

/** A rung with the name people know: its height, or "Original". */
export function quality(id: string, height: number): Quality {
  if (id === 'source')
    return { id, height, label: height > 0 ? `Original (${height}p)` : 'Original' };
  return { id, height, label: height > 0 ? `${height}p` : id };
}

/** Best first, the original on top. */
export function sortQualities(qualities: Quality[]): Quality[] {
  const rank = (q: Quality) => (q.id === 'source' ? Infinity : q.height);
  return qualities.sort((a, b) => rank(b) - rank(a));
}
