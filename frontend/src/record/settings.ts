/** What the recorder remembers from take to take, in this browser. */
import { defaultBubble, type Bubble } from './capture/layout';
import { parseChoice, type FormatChoice } from './format';
import type { Mode } from './machine';

/** All remembered choices. A device id of null means the system's default; `microphone: false` records no voice. */
export interface Settings {
  mode: Mode;
  cameraId: string | null;
  microphoneId: string | null;
  microphone: boolean;
  format: FormatChoice;
  /** Upper bound of the picture's height in pixels. */
  maxHeight: number;
  countdown: boolean;
  /** Send live (WHIP), and keep nothing in this browser. */
  live: boolean;
  bubble: Bubble;
}

/** What a new browser starts with. */
export const defaults: Settings = {
  mode: 'screen-camera',
  cameraId: null,
  microphoneId: null,
  microphone: true,
  format: 'auto',
  maxHeight: 1080,
  countdown: true,
  live: false,
  bubble: defaultBubble,
};

const key = 'meanwhile.record';

/** Reads the remembered settings; anything unreadable falls back to the defaults. */
export function loadSettings(storage: Pick<Storage, 'getItem'> = localStorage): Settings {
  try {
    const stored = JSON.parse(storage.getItem(key) ?? '{}') as Partial<Settings>;
    return { ...defaults, ...stored, bubble: { ...defaults.bubble, ...stored.bubble } };
  } catch {
    return defaults;
  }
}

/** Remembers the settings; a browser that stores nothing forgets them. */
export function saveSettings(
  settings: Settings,
  storage: Pick<Storage, 'setItem'> = localStorage,
): void {
  try {
    storage.setItem(key, JSON.stringify(settings));
  } catch {
    // Private windows may refuse; the settings then last as long as the page.
  }
}

/** Settings for this visit: `?mime=webm`, `?live=1` and `?countdown=0` in the address win over what is remembered. */
export function withQuery(settings: Settings, search: string): Settings {
  const query = new URLSearchParams(search);
  return {
    ...settings,
    format: parseChoice(query.get('mime')) ?? settings.format,
    live: query.has('live') ? query.get('live') === '1' : settings.live,
    countdown: query.get('countdown') === '0' ? false : settings.countdown,
  };
}
