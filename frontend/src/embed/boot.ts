import '../ui/styles.css';
import '../player/player.css';
import './embed.css';
import { holdPass } from '../api/pass';
import type { Playable } from '../player/model';
import { readPageData, type EmbedData } from '../player/page-data';
import { Playback } from '../player/playback';
import { fetchVideo, firstFrame } from '../player/start';
import { openBridge } from './bridge';
import { readOptions, type Options } from './options';

// The first script of a page in a frame: like player/boot.ts it brings the first frame, and only then the rest.

/** What the rest takes over from the boot script. */
export interface Embedded {
  video: Playable | null;
  embed: EmbedData;
  options: Options;
  playback: Playback;
  /** Plays a video that the page did not come with: its link was locked. */
  begin: (video: Playable) => Promise<void>;
}

function boot(): void {
  const { video, embed } = readPageData();
  const options = readOptions(new URL(location.href));
  const element = document.getElementById('player') as HTMLVideoElement;
  let shown = video;
  const playback = new Playback(element, async () => (shown ? fetchVideo(shown.id) : null));
  if (options.muted) element.muted = true;
  const begin = async (opened: Playable) => {
    shown = opened;
    holdPass(opened.pass);
    delete document.documentElement.dataset.absent;
    openBridge(playback, [...embed.ancestors, location.origin]);
    await playback.update(opened, options.at ?? (opened.playback.live ? null : 0));
    if (options.autoplay && mayPlayByItself()) playback.play();
  };
  if (video) void begin(video);
  else document.documentElement.dataset.absent = '';
  void firstFrame(element, video !== null).then(async () => {
    const { mount } = await import('./main');
    mount({ video, embed, options, playback, begin });
  });
}

// A frame that nobody sees should not begin to talk.
function mayPlayByItself(): boolean {
  const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
  return !calm && document.visibilityState === 'visible';
}

boot();
