import '../ui/styles.css';
import './player.css';
import { holdPass } from '../api/pass';
import type { Playable } from './model';
import { readPageData, type PageData } from './page-data';
import { Playback } from './playback';
import { keepPlace, placeOf } from './resume';
import { fetchVideo, firstFrame } from './start';
import { startFromUrl } from './time';

// The watch page's first script: it brings the first frame, and only then the application. Keep its imports few; what
// it may weigh is measured by `npm run weight`.

/** What the application takes over from the boot script. */
export interface Booted {
  data: PageData;
  playback: Playback;
}

function boot(): void {
  const data = readPageData();
  const element = document.getElementById('player') as HTMLVideoElement;
  const stage = document.getElementById('stage')!;
  const video = data.video;
  holdPass(video?.pass);
  const playback = new Playback(element, async () => (video ? fetchVideo(video.id) : null));
  if (video) start(video, playback, stage);
  else document.documentElement.dataset.absent = '';
  void firstFrame(element, video !== null).then(async () => {
    const { mount } = await import('../watch/main');
    mount({ data, playback });
  });
}

function start(video: Playable, playback: Playback, stage: HTMLElement): void {
  if (video.width > 0 && video.height > 0) {
    stage.style.setProperty('--aspect', String(video.width / video.height));
  }
  const duration = video.duration_ms / 1000;
  const asked = startFromUrl(new URL(location.href));
  const at = asked ?? placeOf(video.id, duration) ?? (video.playback.live ? null : 0);
  void playback.update(video, at).then(() => {
    if (mayPlayByItself()) playback.play();
  });
  addEventListener('pagehide', () => keepPlace(video.id, playback.currentTime));
}

// A link to a comment is for reading first; a hidden tab should not begin to talk.
function mayPlayByItself(): boolean {
  const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
  return !calm && document.visibilityState === 'visible' && !location.hash.startsWith('#c-');
}

boot();
