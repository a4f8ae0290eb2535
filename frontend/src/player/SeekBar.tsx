import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { spokenClock } from '@/ui/format';
import { layoutMarkers, markerNear, type Marker, type Remark } from './markers';
import type { Playback } from './playback';
import { Preview } from './Preview';
import { useEachFrame, usePlayback, useSecond } from './usePlayback';
import { useStoryboard } from './useStoryboard';

interface Props {
  playback: Playback;
  storyboard: string | null;
  remarks: readonly Remark[];
  onRemark: (id: string) => void;
}

interface Hover {
  at: number;
  dragging: boolean;
}

/** Where in the video: click, drag or arrow keys; a picture of the place, and what was said there. */
export function SeekBar({ playback, storyboard, remarks, onRemark }: Props) {
  const { video, duration } = usePlayback(playback);
  const second = useSecond(playback);
  const bar = useRef<HTMLDivElement>(null);
  const width = useWidth(bar);
  const [hover, setHover] = useState<Hover | null>(null);
  const [wanted, setWanted] = useState(false);
  const tiles = useStoryboard(storyboard, wanted);
  const markers = useMemo(
    () => layoutMarkers(remarks, duration, width),
    [remarks, duration, width],
  );
  const marker = hover && !hover.dragging ? markerNear(markers, hover.at, width) : null;

  useEachFrame(
    video,
    useCallback(() => {
      if (bar.current) drawProgress(bar.current, video, duration);
    }, [video, duration]),
  );

  const atPointer = (event: React.PointerEvent) => {
    const box = event.currentTarget.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
  };
  const move = (event: React.PointerEvent) => {
    setWanted(true);
    const dragging = event.currentTarget.hasPointerCapture(event.pointerId);
    const at = atPointer(event);
    setHover({ at, dragging });
    if (dragging) playback.seek(at * duration);
  };
  const press = (event: React.PointerEvent) => {
    if (event.button !== 0) return;
    const at = atPointer(event);
    const hit = event.pointerType === 'touch' ? null : markerNear(markers, at, width);
    if (hit) onRemark(hit.remarks[0]!.id);
    event.currentTarget.setPointerCapture(event.pointerId);
    playback.seek(hit ? hit.seconds : at * duration);
    setHover({ at, dragging: !hit });
  };

  return (
    <div
      ref={bar}
      role="slider"
      tabIndex={0}
      aria-label="Seek"
      aria-valuenow={second}
      aria-valuetext={`${spokenClock(second * 1000)} of ${spokenClock(duration * 1000)}`}
      aria-valuemin={0}
      aria-valuemax={Math.floor(duration)}
      className="group/seek relative flex h-5 cursor-pointer touch-none items-center rounded outline-offset-0 pointer-coarse:h-8"
      onPointerMove={move}
      onPointerDown={press}
      onPointerUp={() => setHover(null)}
      onPointerLeave={() => setHover(null)}
      onFocus={() => setWanted(true)}
    >
      <Track />
      <Marks markers={markers} active={marker} />
      <span
        className="pointer-events-none absolute left-(--played) size-3.5 -translate-x-1/2 scale-0 rounded-full bg-white shadow-card transition-transform group-hover/seek:scale-100 group-focus-visible/seek:scale-100 pointer-coarse:scale-100"
        aria-hidden
      />
      {hover && duration > 0 && (
        <Preview at={hover.at} width={width} duration={duration} tiles={tiles} marker={marker} />
      )}
    </div>
  );
}

function Track() {
  return (
    <span
      aria-hidden
      className="relative h-1 w-full overflow-hidden rounded-full bg-white/30 transition-[height] group-hover/seek:h-1.5"
    >
      <span className="absolute inset-y-0 left-0 w-(--loaded) bg-white/35" />
      <span className="absolute inset-y-0 left-0 w-(--played) bg-[#35bbac]" />
    </span>
  );
}

function Marks({ markers, active }: { markers: Marker[]; active: Marker | null }) {
  return (
    <span aria-hidden className="pointer-events-none absolute inset-0">
      {markers.map((marker) => (
        <span
          key={marker.remarks[0]!.id}
          data-marker={marker.remarks[0]!.id}
          data-active={marker === active || undefined}
          className="absolute top-1/2 size-2 -translate-1/2 rounded-full bg-[#ffd166] ring-2 ring-black/55 transition-transform data-active:scale-150"
          style={{ left: `${marker.at * 100}%` }}
        />
      ))}
    </span>
  );
}

// Straight to the element: sixty times a second is too often for React.
function drawProgress(bar: HTMLElement, video: HTMLVideoElement, duration: number): void {
  const now = video.currentTime;
  const part = (seconds: number) => (duration > 0 ? Math.min(1, seconds / duration) : 0);
  let loaded = 0;
  for (let i = 0; i < video.buffered.length; i++) {
    if (video.buffered.start(i) <= now + 0.5) loaded = Math.max(loaded, video.buffered.end(i));
  }
  bar.style.setProperty('--played', `${part(now) * 100}%`);
  bar.style.setProperty('--loaded', `${part(loaded) * 100}%`);
}

function useWidth(ref: React.RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, [ref]);
  return width;
}
