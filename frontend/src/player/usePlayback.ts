import { useCallback, useEffect, useState, useSyncExternalStore } from 'react';
import type { Playback } from './playback';
import type { Snapshot } from './snapshot';

/** The player's state, drawn again only when something shown has changed. */
export function usePlayback(playback: Playback): Snapshot {
  return useSyncExternalStore(playback.subscribe, playback.getSnapshot);
}

/** The whole second being shown. */
export function useSecond(playback: Playback): number {
  const { video } = usePlayback(playback);
  const subscribe = useCallback(
    (listener: () => void) => {
      const done = new AbortController();
      for (const name of ['timeupdate', 'seeking', 'seeked', 'emptied']) {
        video.addEventListener(name, listener, { signal: done.signal });
      }
      return () => done.abort();
    },
    [video],
  );
  return useSyncExternalStore(subscribe, () => Math.floor(video.currentTime));
}

/** Calls `draw` for every frame while playing, and whenever the place or the buffer changes. */
export function useEachFrame(video: HTMLVideoElement, draw: () => void): void {
  useEffect(() => {
    const done = new AbortController();
    let frame = 0;
    const loop = () => {
      draw();
      frame = video.paused ? 0 : requestAnimationFrame(loop);
    };
    const start = () => {
      cancelAnimationFrame(frame);
      loop();
    };
    for (const name of ['play', 'timeupdate', 'seeking', 'seeked', 'progress', 'durationchange']) {
      video.addEventListener(name, start, { signal: done.signal });
    }
    start();
    return () => {
      done.abort();
      cancelAnimationFrame(frame);
    };
  }, [video, draw]);
}

/** Whether the stage fills the screen, and how to change it. */
export function useFullscreen(stage: HTMLElement, video: HTMLVideoElement) {
  const [full, setFull] = useState(false);
  useEffect(() => {
    const look = () => setFull(document.fullscreenElement === stage);
    document.addEventListener('fullscreenchange', look);
    return () => document.removeEventListener('fullscreenchange', look);
  }, [stage]);
  const toggle = useCallback(() => {
    if (document.fullscreenElement) void document.exitFullscreen();
    else if (stage.requestFullscreen) stage.requestFullscreen().catch(() => undefined);
    else (video as { webkitEnterFullscreen?: () => void }).webkitEnterFullscreen?.(); // iPhone
  }, [stage, video]);
  return { full, toggle };
}

/** In and out of the floating window. */
export function togglePictureInPicture(video: HTMLVideoElement): void {
  if (document.pictureInPictureElement) void document.exitPictureInPicture();
  else video.requestPictureInPicture?.().catch(() => undefined);
}
