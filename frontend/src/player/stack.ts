import type { Engine } from './engine';

/** How the new source is attached to the element that will take over, to start at a second. */
export type AttachTo = (video: HTMLVideoElement, at: number) => Promise<Engine>;

/** The element and engine that have taken over. */
export interface Taken {
  video: HTMLVideoElement;
  engine: Engine;
}

const READY_WITHIN_MS = 20_000;
const CLOSE_ENOUGH = 0.12;
const HEAD_START = 0.35;
const SOUGHT = 1; // seconds apart that only a seek brings about

/**
 * Prepares a source on a second element behind the first and hands over when it shows the same moment: no reload, no
 * black frame, place, volume and speed kept. Gives null, and leaves the first as it was, when that does not work out.
 */
export async function handOver(from: HTMLVideoElement, attachTo: AttachTo): Promise<Taken | null> {
  const to = twinOf(from);
  from.before(to);
  let engine: Engine | null = null;
  try {
    engine = await attachTo(to, from.currentTime);
    await until(to, () => to.readyState >= HTMLMediaElement.HAVE_FUTURE_DATA, READY_WITHIN_MS);
    await meet(from, to);
    await takeOver(from, to);
    return { video: to, engine };
  } catch {
    engine?.destroy();
    to.remove();
    return null;
  }
}

// A copy of the element with its captions, silent and behind (see .stage in player.css).
function twinOf(from: HTMLVideoElement): HTMLVideoElement {
  const to = from.cloneNode(true) as HTMLVideoElement;
  to.removeAttribute('src');
  to.removeAttribute('poster');
  to.removeAttribute('id');
  to.removeAttribute('autoplay');
  to.muted = true;
  to.preload = 'auto';
  to.playbackRate = from.playbackRate;
  to.dataset.standby = '';
  return to;
}

// Brings the second element to the moment the first is at. While that one plays, the second waits a little ahead and
// starts when it is reached.
async function meet(from: HTMLVideoElement, to: HTMLVideoElement): Promise<void> {
  for (let attempt = 0; attempt < 4; attempt++) {
    const moving = !from.paused && !from.ended && from.readyState >= 3;
    const lead = moving ? HEAD_START * (attempt + 1) * from.playbackRate : 0;
    await seek(to, from.currentTime + lead);
    if (!moving) {
      if (!from.seeking && Math.abs(from.currentTime - to.currentTime) < CLOSE_ENOUGH) return;
      continue;
    }
    await reached(from, to.currentTime);
    if (from.paused) continue;
    await to.play();
    if (Math.abs(from.currentTime - to.currentTime) < CLOSE_ENOUGH * from.playbackRate) return;
    to.pause();
  }
  await seek(to, from.currentTime);
}

async function takeOver(from: HTMLVideoElement, to: HTMLVideoElement): Promise<void> {
  const playing = !from.paused;
  keepSettings(from, to);
  keepCaptions(from, to);
  // Where sound needs a gesture on each element (iOS), this refuses, and the first goes on.
  if (playing) await to.play();
  // What the viewer did to the first in the meantime.
  keepSettings(from, to);
  if (Math.abs(from.currentTime - to.currentTime) > SOUGHT) to.currentTime = from.currentTime;
  if (from.paused && !from.ended) to.pause();
  delete to.dataset.standby;
  from.dataset.standby = '';
  from.pause();
}

function keepSettings(from: HTMLVideoElement, to: HTMLVideoElement): void {
  to.volume = from.volume;
  to.muted = from.muted;
  to.playbackRate = from.playbackRate;
  to.preservesPitch = from.preservesPitch;
}

function keepCaptions(from: HTMLVideoElement, to: HTMLVideoElement): void {
  for (let i = 0; i < from.textTracks.length; i++) {
    const track = to.textTracks[i];
    if (track) track.mode = from.textTracks[i]!.mode;
  }
}

async function seek(video: HTMLVideoElement, second: number): Promise<void> {
  const end = Number.isFinite(video.duration) ? video.duration : second;
  video.currentTime = Math.min(second, end);
  await until(video, () => !video.seeking && video.readyState >= 2, READY_WITHIN_MS);
}

// Fine-grained, for timeupdate comes four times a second only.
function reached(video: HTMLVideoElement, second: number): Promise<void> {
  return new Promise((resolve) => {
    const end = performance.now() + 5_000;
    const look = () => {
      const there = video.paused || video.ended || video.currentTime >= second - 0.03;
      if (there || video.seeking || performance.now() > end) resolve();
      else setTimeout(look, 8);
    };
    look();
  });
}

const SIGNS = ['canplay', 'canplaythrough', 'seeked', 'loadeddata', 'progress', 'playing'];

/** Resolves once a condition on a media element holds; rejects on its error or when time is up. */
export function until(video: HTMLVideoElement, holds: () => boolean, ms: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = new AbortController();
    const settle = (finish: () => void) => {
      done.abort();
      clearTimeout(timer);
      finish();
    };
    const look = () => {
      if (holds()) settle(resolve);
    };
    const timer = setTimeout(() => settle(() => reject(new Error('not ready in time'))), ms);
    for (const sign of SIGNS) video.addEventListener(sign, look, { signal: done.signal });
    video.addEventListener('error', () => settle(() => reject(new Error('media error'))), {
      signal: done.signal,
    });
    look();
  });
}
