import { clock, plural } from '@/ui/format';
import type { Marker } from './markers';
import { tileAt, type Tile } from './storyboard';

interface Props {
  /** 0–1 along the bar. */
  at: number;
  /** Of the bar, in pixels. */
  width: number;
  duration: number;
  tiles: readonly Tile[];
  marker: Marker | null;
}

const WIDE = 176;

/** The small picture above the seek bar, kept inside its ends. */
export function Preview({ at, width, duration, tiles, marker }: Props) {
  const seconds = marker ? marker.seconds : at * duration;
  const tile = tileAt(tiles, seconds);
  const wide = marker || tile ? WIDE : 56;
  const left = Math.min(Math.max(at * width, wide / 2), Math.max(wide / 2, width - wide / 2));
  return (
    <div
      aria-hidden
      className="pointer-events-none absolute bottom-full mb-1 flex -translate-x-1/2 animate-fade flex-col items-center gap-1.5"
      style={{ left, width: wide }}
    >
      {marker && <Said marker={marker} />}
      {tile && <Picture tile={tile} />}
      <span className="rounded-md bg-black/80 px-1.5 py-0.5 text-xs font-medium text-white tabular-nums">
        {clock(seconds * 1000)}
      </span>
    </div>
  );
}

function Said({ marker }: { marker: Marker }) {
  const [first] = marker.remarks;
  const more = marker.remarks.length - 1;
  return (
    <span className="w-full rounded-lg bg-black/85 px-2.5 py-2 text-xs text-white">
      <span className="block truncate font-semibold">{first?.author}</span>
      <span className="line-clamp-2 wrap-anywhere text-white/85">{first?.body}</span>
      {more > 0 && (
        <span className="mt-0.5 block text-white/70">and {plural(more, 'more', 'more')}</span>
      )}
    </span>
  );
}

// One rectangle of the storyboard picture, scaled to the preview's width.
function Picture({ tile }: { tile: Tile }) {
  const scale = WIDE / tile.width;
  return (
    <span
      className="block overflow-hidden rounded-lg ring-2 ring-white/80"
      style={{ width: WIDE, height: tile.height * scale }}
    >
      <span
        className="block origin-top-left"
        style={{
          width: tile.width,
          height: tile.height,
          transform: `scale(${scale})`,
          backgroundImage: `url(${JSON.stringify(tile.url)})`,
          backgroundPosition: `${-tile.x}px ${-tile.y}px`,
        }}
      />
    </span>
  );
}
