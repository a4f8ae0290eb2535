import type { Plugin } from 'vite';

// What our own playlists never use. hls.js's own light build leaves out alternate audio too, which they do use.
const UNUSED = [
  'subtitleStreamController',
  'subtitleTrackController',
  'timelineController',
  'emeController',
  'cmcdController',
  'contentSteeringController',
  'iframeController',
  'interstitialsController',
  'id3TrackController',
];
const OTHER_CONTAINERS =
  /, \{\n {2}demux: TSDemuxer,[\s\S]*?\}\];\n\{\n {2}muxConfig\.splice\([\s\S]*?\n {2}\}\);\n\}/;

// Mentions that would hold a whole class in the build.
const MENTIONS: [RegExp, string][] = [
  [/\nEMEController\.CDMCleanupPromise = void 0;/, ''],
  [/ && TSDemuxer\.probe\(initSegmentData, this\.logger\)/, ' && false'],
];

/**
 * Takes the parts of hls.js that only other people's streams need (MPEG-TS, encryption, advertisements, …) out of the
 * script that stands before the first frame: 180 kB of gzip become 113. Captions are <track> elements.
 */
export function leanHls(): Plugin {
  return {
    name: 'lean-hls',
    apply: 'build',
    transform(code, id) {
      if (!/hls\.js\/dist\/hls\.mjs$/.test(id.split('?')[0]!)) return null;
      let lean = cut(code, OTHER_CONTAINERS, '];');
      for (const name of UNUSED) lean = cut(lean, new RegExp(`\\n {2}${name}: \\w+ ?,?`), '');
      for (const [mention, by] of MENTIONS) lean = cut(lean, mention, by);
      return { code: lean, map: null };
    },
  };
}

// A new version of hls.js may be written differently: then the build says so, instead of growing in silence.
function cut(code: string, what: RegExp, by: string): string {
  if (!what.test(code)) throw new Error(`lean-hls: ${what} is not in this version of hls.js`);
  return code.replace(what, by);
}
