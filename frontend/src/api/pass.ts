/**
 * The pass of whoever came by a share link: it goes along with every request of the page. It is kept in memory alone, so
 * that it also works in a frame on another site, where browsers keep no cookies of ours.
 */
let held: string | null = null;

/** Takes the newest pass; a video that was not come by a link has none, and changes nothing. */
export function holdPass(pass: string | null | undefined): void {
  if (pass) held = pass;
}

/** The header that shows it. */
export function passHeader(): Record<string, string> {
  return held === null ? {} : { 'meanwhile-pass': held };
}

/** The same for an EventSource, which sends no headers of ours. */
export function withPass(url: string): string {
  if (held === null) return url;
  return `${url}${url.includes('?') ? '&' : '?'}pass=${encodeURIComponent(held)}`;
}
