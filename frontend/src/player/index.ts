export { Player } from './Player';
export type { Playback } from './playback';
export { usePlayback, useSecond } from './usePlayback';
export { linkAt, parseTime, startFromUrl } from './time';
export type { Booted } from './boot';
export type { Remark } from './markers';
