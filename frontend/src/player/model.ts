/** What the player needs to know of a video: a part of the API's Video. */
export interface Playable {
  id: string;
  state: 'recording' | 'processing' | 'ready' | 'failed';
  duration_ms: number;
  width: number;
  height: number;
  /** For whoever came by a share link: see api/pass.ts. */
  pass?: string | null;
  playback: PlaybackUrls;
}

/** Where a video's pictures and sound are; root-relative addresses under a short-lived grant. */
export interface PlaybackUrls {
  hls: string | null;
  progressive: string | null;
  prefer: 'hls' | 'progressive';
  live: boolean;
  poster: string | null;
  storyboard: string | null;
}

/** A rung of the ladder as the viewer sees it. The id is the name of its playlist without ".m3u8". */
export interface Quality {
  id: string;
  label: string;
  height: number;
}

/** 'auto', 'source' or the id of a rung. */
export type Choice = string;

/** One way to play a video. Two sources with equal identity need no change. */
export interface Source {
  kind: 'hls' | 'progressive';
  url: string;
  /** The rung the viewer insists on; null leaves it to the connection. */
  rung: string | null;
  /** The viewer asked for this one, rather than for whatever is best. */
  chosen: boolean;
  identity: string;
}

/** Why a video does not play, as a sentence for the viewer. */
export interface Trouble {
  kind: 'offline' | 'network' | 'gone' | 'missing' | 'format';
  text: string;
}
