import { startFromUrl } from '../player/time';

/** What the address of a frame asks for. */
export interface Options {
  /** The second to start at. */
  at: number | null;
  autoplay: boolean;
  muted: boolean;
  comments: boolean;
}

/** Reads `?t=42&autoplay=1&muted=1&comments=1`. */
export function readOptions(url: URL): Options {
  const on = (name: string) => ['1', 'true', ''].includes(url.searchParams.get(name) ?? 'no');
  return {
    at: startFromUrl(url),
    autoplay: on('autoplay'),
    muted: on('muted'),
    comments: on('comments'),
  };
}
