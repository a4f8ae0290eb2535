import clsx from 'clsx';
import { AudioLines } from 'lucide-react';
import { useEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import { ControlBar } from './ControlBar';
import { Help } from './Help';
import type { Remark } from './markers';
import { Overlay } from './Overlay';
import type { Playback } from './playback';
import { SeekBar } from './SeekBar';
import { useIdle } from './useIdle';
import { useKeys } from './useKeys';
import { useFullscreen, usePlayback } from './usePlayback';

interface Props {
  playback: Playback;
  /** The box around the video element, which is not React's: see boot.ts. */
  stage: HTMLElement;
  storyboard: string | null;
  /** There is no picture to see. */
  soundOnly: boolean;
  remarks: readonly Remark[];
  onRemark: (id: string) => void;
  placeholder: ReactNode;
}

/** The controls over a video element that was there before them. */
export function Player(props: Props) {
  const { playback, stage, storyboard, soundOnly, remarks, onRemark, placeholder } = props;
  const state = usePlayback(playback);
  const { full, toggle } = useFullscreen(stage, state.video);
  const { idle, stir } = useIdle(stage);
  const [help, setHelp] = useState(false);
  const surface = useMemo(
    () => ({ toggleFullscreen: toggle, toggleHelp: () => setHelp((was) => !was), noticed: stir }),
    [toggle, stir],
  );
  useKeys(playback, surface);

  const hidden = idle && !state.paused && !state.ended && state.trouble === null;
  useEffect(() => {
    stage.toggleAttribute('data-idle', hidden);
  }, [stage, hidden]);

  return (
    <>
      {soundOnly && state.attached && (
        <AudioLines aria-hidden className="absolute inset-0 m-auto size-16 text-white/50" />
      )}
      <Picture playback={playback} hidden={hidden} onFullscreen={toggle} />
      <Overlay playback={playback} state={state} placeholder={placeholder} />
      {state.attached && (
        <div
          className={clsx(
            'absolute inset-x-0 bottom-0 bg-linear-to-t from-black/80 via-black/45 to-transparent px-2 pt-10 pb-1 transition-opacity duration-200 focus-within:has-focus-visible:opacity-100 has-data-[state=open]:opacity-100 sm:px-3 sm:pb-1.5',
            hidden ? 'pointer-events-none opacity-0 focus-within:pointer-events-auto' : '',
          )}
        >
          <div className="px-1.5">
            <SeekBar
              playback={playback}
              storyboard={storyboard}
              remarks={remarks}
              onRemark={onRemark}
            />
          </div>
          <ControlBar playback={playback} stage={stage} full={full} onFullscreen={toggle} />
        </div>
      )}
      <Help open={help} onOpenChange={setHelp} />
    </>
  );
}

interface PictureProps {
  playback: Playback;
  hidden: boolean;
  onFullscreen: () => void;
}

const DOUBLE_TAP_MS = 300;

// The picture itself takes clicks: a mouse plays and pauses; a finger first brings the controls, twice skips.
function Picture({ playback, hidden, onFullscreen }: PictureProps) {
  const lastTap = useRef(0);
  const touch = useRef(false);
  const onClick = (event: React.MouseEvent) => {
    if (!touch.current) return playback.toggle();
    const box = event.currentTarget.getBoundingClientRect();
    const double = event.timeStamp - lastTap.current < DOUBLE_TAP_MS;
    lastTap.current = event.timeStamp;
    const side = (event.clientX - box.left) / box.width;
    if (double && side < 0.4) playback.seek(playback.currentTime - 10);
    else if (double && side > 0.6) playback.seek(playback.currentTime + 10);
    else if (!hidden && !double) playback.toggle();
  };
  return (
    // Keyboards have the button on the bar, and the space bar anywhere.
    // eslint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-static-element-interactions
    <div
      className="absolute inset-0"
      onPointerDown={(event) => {
        touch.current = event.pointerType === 'touch';
      }}
      onClick={onClick}
      onDoubleClick={() => {
        if (!touch.current) onFullscreen();
      }}
    />
  );
}
