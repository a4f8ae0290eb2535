import { Volume1, Volume2, VolumeX } from 'lucide-react';
import { BarButton } from './BarButton';
import type { Playback } from './playback';
import { usePlayback } from './usePlayback';

/** Sound on and off, and how loud where there is room for it. */
export function Volume({ playback }: { playback: Playback }) {
  const { volume, muted } = usePlayback(playback);
  const level = muted ? 0 : volume;
  const Icon = level === 0 ? VolumeX : level < 0.5 ? Volume1 : Volume2;
  return (
    <div className="group/volume flex items-center">
      <BarButton
        label={level === 0 ? 'Sound on' : 'Sound off'}
        hotkey="m"
        onClick={() => playback.toggleMuted()}
      >
        <Icon aria-hidden />
      </BarButton>
      <input
        type="range"
        aria-label="Volume"
        min={0}
        max={1}
        step={0.05}
        value={level}
        onChange={(event) => playback.setVolume(Number(event.target.value))}
        className="hidden w-0 accent-white opacity-0 transition-[width,opacity] group-focus-within/volume:w-20 group-focus-within/volume:opacity-100 group-hover/volume:w-20 group-hover/volume:opacity-100 sm:block pointer-coarse:hidden"
      />
    </div>
  );
}
