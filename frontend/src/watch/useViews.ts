import { useEffect, useMemo } from 'react';
import { videos } from '@/api';
import { usePlayback, type Playback } from '@/player';
import { keepPlace } from '@/player/resume';
import { Meter } from './meter';

/** Counts a view after some seconds of watching, tells now and then how far, and keeps the place in this browser. */
export function useViews(videoId: string, playback: Playback): void {
  const { video } = usePlayback(playback);
  const meter = useMemo(() => new Meter(), [videoId]); // eslint-disable-line react-hooks/exhaustive-deps
  useEffect(() => {
    const done = new AbortController();
    const on = (target: EventTarget, name: string, handle: () => void) =>
      target.addEventListener(name, handle, { signal: done.signal });
    const tell = (leaving: boolean) => {
      const report = meter.report(video.currentTime, leaving);
      // A view not counted troubles nobody.
      if (report) videos.view(videoId, report).catch(() => undefined);
    };
    on(video, 'timeupdate', () => {
      meter.tick(video.currentTime, video.playbackRate, video.paused);
      if (meter.placeMoved(video.currentTime)) keepPlace(videoId, video.currentTime);
      tell(false);
    });
    on(video, 'pause', () => keepPlace(videoId, video.currentTime));
    on(window, 'pagehide', () => tell(true));
    return () => done.abort();
  }, [videoId, video, meter]);
}
