/** What the recorder shows to a page. */
import type { Devices } from './capture/devices';
import { initial, type State } from './machine';
import type { Settings } from './settings';
import type { UplinkView } from './uplink/uplink';

/** What a page shows; a new object after every change. */
export interface Snapshot {
  state: State;
  settings: Settings;
  devices: Devices;
  using: { cameraId: string | null; microphoneId: string | null; systemSound: boolean };
  preview: MediaStream | null;
  title: string;
  muted: boolean;
  /** Things the person should know, oldest first; each is shown until put away. */
  notices: string[];
  /** A live connection is being made. */
  connecting: boolean;
  /** The take goes live: nothing of it is kept in this browser. */
  live: boolean;
  uplink: UplinkView | null;
  savedMs: number;
  bytes: number;
  /** Whether the link went to the clipboard: null until it was tried. */
  copied: boolean | null;
}

/** No device in use. */
export const nothingUsed = { cameraId: null, microphoneId: null, systemSound: false };

/** What there is to show before anything happened. */
export function emptySnapshot(settings: Settings): Snapshot {
  return {
    state: initial,
    settings,
    devices: { cameras: [], microphones: [] },
    using: nothingUsed,
    preview: null,
    title: '',
    muted: false,
    notices: [],
    connecting: false,
    live: false,
    uplink: null,
    savedMs: 0,
    bytes: 0,
    copied: null,
  };
}
