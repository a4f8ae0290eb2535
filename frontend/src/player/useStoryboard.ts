import { useEffect, useState } from 'react';
import { withoutGrant } from './grant';
import { parseStoryboard, type Tile } from './storyboard';

const NONE: Tile[] = [];

/** The storyboard's tiles, fetched once they are wanted. A new grant alone fetches nothing. */
export function useStoryboard(url: string | null, wanted: boolean): Tile[] {
  const [tiles, setTiles] = useState(NONE);
  const [current, setCurrent] = useState(url);
  if (url !== current && (url && withoutGrant(url)) !== (current && withoutGrant(current))) {
    setCurrent(url);
    setTiles(NONE);
  }
  useEffect(() => {
    if (!wanted || !current || tiles.length > 0) return;
    const done = new AbortController();
    // The newest address, for the first may have lapsed by now.
    void load(url ?? current, done.signal).then((found) => {
      if (!done.signal.aborted) setTiles(found);
    });
    return () => done.abort();
    // eslint-disable-next-line react-hooks/exhaustive-deps -- a renewed url is not a reason to load again
  }, [wanted, current, tiles.length]);
  return tiles;
}

async function load(url: string, signal: AbortSignal): Promise<Tile[]> {
  try {
    const address = new URL(url, location.href).toString();
    const answer = await fetch(address, { signal });
    return answer.ok ? parseStoryboard(await answer.text(), address) : NONE;
  } catch {
    return NONE; // The bar works without pictures.
  }
}
