/** What a key asks of the player. */
export type Command =
  | { do: 'toggle' | 'mute' | 'captions' | 'fullscreen' | 'pip' | 'faster' | 'slower' | 'help' }
  | { do: 'seek' | 'volume' | 'frame'; by: number }
  | { do: 'part'; of: number };

/** The parts of a keyboard event that matter here. */
export interface Press {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
}

const COMMANDS: Record<string, Command> = {
  ' ': { do: 'toggle' },
  k: { do: 'toggle' },
  j: { do: 'seek', by: -10 },
  l: { do: 'seek', by: 10 },
  ArrowLeft: { do: 'seek', by: -5 },
  ArrowRight: { do: 'seek', by: 5 },
  ArrowUp: { do: 'volume', by: 0.05 },
  ArrowDown: { do: 'volume', by: -0.05 },
  f: { do: 'fullscreen' },
  m: { do: 'mute' },
  c: { do: 'captions' },
  i: { do: 'pip' },
  '<': { do: 'slower' },
  '>': { do: 'faster' },
  ',': { do: 'frame', by: -1 },
  '.': { do: 'frame', by: 1 },
  Home: { do: 'part', of: 0 },
  End: { do: 'part', of: 1 },
  '?': { do: 'help' },
};

/** The command of a key press, null when it is none of the player's. Chords are the browser's. */
export function commandOf(press: Press): Command | null {
  if (press.ctrlKey || press.metaKey || press.altKey) return null;
  if (/^[0-9]$/.test(press.key)) return { do: 'part', of: Number(press.key) / 10 };
  const key = press.key.length === 1 ? press.key.toLowerCase() : press.key;
  return COMMANDS[key] ?? null;
}

/** Keys that mean something else where the focus is: typing, pressing a button, moving in a menu or a list. */
export function belongsToFocus(target: EventTarget | null, key: string): boolean {
  if (!(target instanceof Element)) return false;
  if (target.matches('input[type=range]')) return key.startsWith('Arrow');
  if (target.closest('input, textarea, select, [contenteditable], [role=menu], [role=dialog]')) {
    return true;
  }
  if (key === ' ') return target.closest('button, a, summary, [role=button]') !== null;
  const scrolls = ['ArrowUp', 'ArrowDown', 'Home', 'End'].includes(key);
  return scrolls && target.closest('#stage') === null;
}

/** For the help that "?" opens. */
export const KEY_HELP: [keys: string[], what: string][] = [
  [['Space', 'K'], 'Play or pause'],
  [['J', 'L'], '10 seconds back or on'],
  [['←', '→'], '5 seconds back or on'],
  [['↑', '↓'], 'Louder or quieter'],
  [['M'], 'Sound off or on'],
  [['<', '>'], 'Slower or faster'],
  [[',', '.'], 'One frame back or on'],
  [['0', '…', '9'], 'To a tenth of the video'],
  [['C'], 'Captions'],
  [['F'], 'Full screen'],
  [['I'], 'Picture in picture'],
  [['?'], 'This help'],
];

export const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2.5];

/** The next speed up or down. */
export function stepSpeed(rate: number, up: boolean): number {
  const next = up
    ? SPEEDS.find((speed) => speed > rate + 0.01)
    : SPEEDS.findLast((speed) => speed < rate - 0.01);
  return next ?? rate;
}
