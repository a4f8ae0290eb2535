import '../ui/styles.css';
import './player.css';
import type { Playable } from './model';
import { readPageData, type PageData } from './page-data';
import { Playback } from './playback';
import { keepPlace, placeOf } from './resume';
import { startFromUrl } from './time';

// The watch page's first script: it brings the first frame, and only then the application. Keep its imports few; what
// it may weigh is measured by `npm run weight`.

/** What the application takes over from the boot script. */
export interface Booted {
  data: PageData;
  playback: Playback;
}

const APP_WAITS_AT_MOST_MS = 1_200;

function boot(): void {
  const data = readPageData();
  const element = document.getElementById('player') as HTMLVideoElement;
  const stage = document.getElementById('stage')!;
  const video = data.video;
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

function firstFrame(element: HTMLVideoElement, expected: boolean): Promise<void> {
  return new Promise((resolve) => {
    if (!expected) return resolve();
    const timer = setTimeout(resolve, APP_WAITS_AT_MOST_MS);
    const done = () => {
      clearTimeout(timer);
      resolve();
    };
    for (const sign of ['loadeddata', 'error'])
      element.addEventListener(sign, done, { once: true });
  });
}

async function fetchVideo(id: string): Promise<Playable | null> {
  const answer = await fetch(`/api/videos/${encodeURIComponent(id)}`);
  if ([401, 403, 404, 410].includes(answer.status)) return null;
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  return (await answer.json()) as Playable;
}

boot();
