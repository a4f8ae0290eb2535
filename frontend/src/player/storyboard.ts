/** One tile of the storyboard: a rectangle of a picture, shown for a stretch of time. */
export interface Tile {
  start: number;
  end: number;
  url: string;
  x: number;
  y: number;
  width: number;
  height: number;
}

const CUE = /^([\d:.]+)\s+-->\s+([\d:.]+)/;
const AREA = /^(.*)#xywh=(?:pixel:)?(\d+),(\d+),(\d+),(\d+)$/;

/** Reads a WebVTT storyboard (cues of `image#xywh=x,y,w,h`). Cues it cannot read are left out. */
export function parseStoryboard(vtt: string, base: string): Tile[] {
  const tiles: Tile[] = [];
  const lines = vtt.split(/\r?\n/);
  for (let i = 0; i < lines.length - 1; i++) {
    const cue = CUE.exec(lines[i]!);
    const area = cue && AREA.exec(lines[i + 1]!.trim());
    if (!cue || !area) continue;
    tiles.push({
      start: seconds(cue[1]!),
      end: seconds(cue[2]!),
      url: new URL(area[1]!, base).toString(),
      x: Number(area[2]),
      y: Number(area[3]),
      width: Number(area[4]),
      height: Number(area[5]),
    });
  }
  return tiles;
}

/** The tile for a second, by binary search; the nearest earlier one in a gap. */
export function tileAt(tiles: readonly Tile[], second: number): Tile | null {
  let low = 0;
  let high = tiles.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (tiles[middle]!.start <= second) low = middle;
    else high = middle - 1;
  }
  return tiles[low] ?? null;
}

function seconds(clock: string): number {
  return clock.split(':').reduce((total, part) => total * 60 + Number(part), 0);
}
