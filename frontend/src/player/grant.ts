/**
 * Media addresses carry a short-lived grant in their path: /media/{grant}/{video}/….
 * hls.js keeps the addresses it read from a playlist, so each request is rewritten to the newest grant.
 */
const MEDIA = /^((?:https?:\/\/[^/]+)?\/media\/)([^/]+)(\/.*)$/;

/** The grant in a media address, or null for any other address. */
export function grantOf(url: string): string | null {
  return MEDIA.exec(url)?.[2] ?? null;
}

/** The same address under another grant; addresses elsewhere (a presigned object) are left alone. */
export function withGrant(url: string, grant: string | null): string {
  return grant === null ? url : url.replace(MEDIA, (_all, head, _old, tail) => head + grant + tail);
}

/** The address without its grant: equal for two addresses that name the same bytes. */
export function withoutGrant(url: string): string {
  return withGrant(url, '-');
}
