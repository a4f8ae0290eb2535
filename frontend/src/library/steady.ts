import { useState } from 'react';

/** What a media URL names, without the grant in it: /media/{grant}/{video}/poster.jpg → {video}/poster.jpg. */
export function withoutGrant(url: string): string {
  return url.replace(/^\/media\/[^/]+\//, '');
}

/**
 * Every answer carries media URLs under a new grant. An image keeps the URL it first had, or it would be fetched anew
 * and blink with every bit of news; it takes the new one when that names something else, when `version` changes, or
 * when its own has failed.
 */
export function useSteadyImage(url: string | null, version: string) {
  const name = url && `${version} ${withoutGrant(url)}`;
  const [kept, setKept] = useState({ name, url, failed: false });
  if (kept.name !== name || (kept.failed && kept.url !== url)) {
    setKept({ name, url, failed: false });
  }
  return {
    src: kept.failed ? null : kept.url,
    fail: () => setKept((old) => ({ ...old, failed: true })),
  };
}
