/** What the seek bar needs to know of a comment. */
export interface Remark {
  id: string;
  at_ms: number;
  author: string;
  body: string;
}

/** One mark on the seek bar: one comment, or several too close to tell apart. */
export interface Marker {
  /** 0–1 along the bar. */
  at: number;
  seconds: number;
  remarks: Remark[];
}

/**
 * Places comments on a bar of `width` pixels. Marks nearer than `gap` pixels are joined, so that 5,000 comments cost
 * at most width / gap marks. A comment past the end (a live edge not yet here) sits at the end.
 */
export function layoutMarkers(
  remarks: readonly Remark[],
  duration: number,
  width: number,
  gap = 10,
): Marker[] {
  if (!(duration > 0) || !(width > 0)) return [];
  const sorted = [...remarks].sort((a, b) => a.at_ms - b.at_ms);
  const markers: Marker[] = [];
  let left = -Infinity;
  for (const remark of sorted) {
    const at = Math.min(1, Math.max(0, remark.at_ms / 1000 / duration));
    const last = markers.at(-1);
    if (last && (at - left) * width < gap) {
      last.remarks.push(remark);
      continue;
    }
    left = at;
    markers.push({ at, seconds: Math.max(0, remark.at_ms / 1000), remarks: [remark] });
  }
  return markers;
}

/** The marker under the pointer, at most `reach` pixels away. */
export function markerNear(
  markers: readonly Marker[],
  at: number,
  width: number,
  reach = 6,
): Marker | null {
  let best: Marker | null = null;
  let distance = reach;
  for (const marker of markers) {
    const away = Math.abs(marker.at - at) * width;
    if (away <= distance) {
      best = marker;
      distance = away;
    }
  }
  return best;
}
