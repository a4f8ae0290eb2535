import {
  Captions,
  CaptionsOff,
  Maximize,
  Minimize,
  Pause,
  PictureInPicture2,
  Play,
  RotateCcw,
  Settings,
} from 'lucide-react';
import { MenuChoice, MenuLabel } from '@/ui/Menu';
import { clock } from '@/ui/format';
import { BarButton } from './BarButton';
import { SPEEDS } from './keys';
import { Live } from './Live';
import type { Playback } from './playback';
import { PlayerMenu } from './PlayerMenu';
import type { Snapshot } from './snapshot';
import { togglePictureInPicture, usePlayback, useSecond } from './usePlayback';
import { Volume } from './Volume';

interface Props {
  playback: Playback;
  stage: HTMLElement;
  full: boolean;
  onFullscreen: () => void;
}

/** Everything below the seek bar. */
export function ControlBar({ playback, stage, full, onFullscreen }: Props) {
  const state = usePlayback(playback);
  return (
    <div className="flex items-center gap-0.5">
      <PlayButton state={state} onClick={() => playback.toggle()} />
      <Volume playback={playback} />
      <Place playback={playback} duration={state.duration} live={state.live} />
      <span className="grow" />
      {state.captions.available && (
        <BarButton
          label={state.captions.shown ? 'Hide captions' : 'Show captions'}
          hotkey="c"
          aria-pressed={state.captions.shown}
          onClick={() => playback.showCaptions(!state.captions.shown)}
        >
          {state.captions.shown ? <Captions aria-hidden /> : <CaptionsOff aria-hidden />}
        </BarButton>
      )}
      <Speed playback={playback} stage={stage} rate={state.rate} />
      <QualityMenu playback={playback} stage={stage} state={state} />
      {document.pictureInPictureEnabled && (
        <BarButton
          label="Picture in picture"
          hotkey="i"
          className="hidden sm:grid"
          onClick={() => togglePictureInPicture(state.video)}
        >
          <PictureInPicture2 aria-hidden />
        </BarButton>
      )}
      <BarButton
        label={full ? 'Leave full screen' : 'Full screen'}
        hotkey="f"
        onClick={onFullscreen}
      >
        {full ? <Minimize aria-hidden /> : <Maximize aria-hidden />}
      </BarButton>
    </div>
  );
}

function PlayButton({ state, onClick }: { state: Snapshot; onClick: () => void }) {
  const label = state.ended ? 'Watch again' : state.paused ? 'Play' : 'Pause';
  const Icon = state.ended ? RotateCcw : state.paused ? Play : Pause;
  return (
    <BarButton label={label} hotkey="k" onClick={onClick}>
      <Icon aria-hidden className={state.ended ? undefined : 'fill-current'} />
    </BarButton>
  );
}

function Place(props: { playback: Playback; duration: number; live: boolean }) {
  const second = useSecond(props.playback);
  if (props.live) return <Live playback={props.playback} second={second} />;
  return (
    <span className="px-1.5 text-[0.8125rem] font-medium whitespace-nowrap text-white tabular-nums">
      {clock(second * 1000)}
      <span className="text-white/75"> / {clock(props.duration * 1000)}</span>
    </span>
  );
}

type MenuProps = { playback: Playback; stage: HTMLElement };

function Speed({ playback, stage, rate }: MenuProps & { rate: number }) {
  return (
    <PlayerMenu label={`Speed, now ${rate}×`} stage={stage} face={<span>{rate}×</span>}>
      <MenuLabel>Speed</MenuLabel>
      <MenuChoice
        value={String(rate)}
        onChange={(value) => playback.setRate(Number(value))}
        options={SPEEDS.map((speed) => ({
          value: String(speed),
          label: speed === 1 ? 'Normal' : `${speed}×`,
        }))}
      />
    </PlayerMenu>
  );
}

function QualityMenu({ playback, stage, state }: MenuProps & { state: Snapshot }) {
  if (state.qualities.length === 0) return null;
  const shown = state.qualities.find(({ id }) => id === state.showing);
  const rungs = state.qualities.filter(({ id }) => id !== 'source' || !state.original);
  const options = [
    {
      value: 'auto',
      label: 'Auto',
      hint: shown && state.choice === 'auto' ? `Now ${shown.label}` : undefined,
    },
    ...(state.original ? [{ value: 'source', label: 'Original' }] : []),
    ...rungs.map(({ id, label }) => ({ value: id, label })),
  ];
  return (
    <PlayerMenu label="Quality" stage={stage} face={<Settings aria-hidden />}>
      <MenuLabel>Quality</MenuLabel>
      <MenuChoice
        value={state.choice}
        onChange={(choice) => void playback.choose(choice)}
        options={options}
      />
    </PlayerMenu>
  );
}
