import { Mic, MicOff, Pause, PictureInPicture2, Play, Square, Trash2 } from 'lucide-react';
import { Button, clock, IconButton } from '@/ui';
import { useElapsed, useRecorder, useSnapshot } from './recorder-context';

/** Time and a light that says whether it runs. */
export function Elapsed() {
  const { name } = useSnapshot().state;
  const ms = useElapsed();
  return (
    <span className="inline-flex items-center gap-2 font-semibold tabular-nums" role="timer">
      <span
        aria-hidden
        className={
          name === 'recording'
            ? 'size-2.5 animate-glow rounded-full bg-record'
            : 'size-2.5 rounded-full bg-edge'
        }
      />
      <span className="sr-only">{name === 'paused' ? 'Paused at' : 'Recorded'}</span>
      {clock(ms)}
    </span>
  );
}

type Props = {
  onCancel: () => void;
  /** Opens the floating controls; missing where the browser has none or they are open. */
  onFloat?: () => void;
};

/** Everything that can be done to a running take. */
export function ControlBar({ onCancel, onFloat }: Props) {
  const recorder = useRecorder();
  const { state, muted, using } = useSnapshot();
  const paused = state.name === 'paused';
  const stopping = state.name === 'stopping';
  return (
    <div className="flex flex-wrap items-center gap-2 max-sm:gap-1 max-sm:[&>button:not([aria-label])]:px-3">
      <Button
        tone="record"
        busy={stopping}
        aria-keyshortcuts="s"
        onClick={() => void recorder.stop()}
      >
        <Square aria-hidden className="size-4 fill-current" />
        Stop
      </Button>
      <Button
        disabled={stopping}
        aria-keyshortcuts="p"
        onClick={() => (paused ? recorder.resume() : recorder.pause())}
      >
        {paused ? (
          <Play aria-hidden className="size-4 fill-current" />
        ) : (
          <Pause aria-hidden className="size-4 fill-current" />
        )}
        {paused ? 'Resume' : 'Pause'}
      </Button>
      {using.microphoneId && (
        <IconButton
          label={muted ? 'Unmute microphone' : 'Mute microphone'}
          aria-pressed={muted}
          aria-keyshortcuts="m"
          onClick={() => recorder.setMuted(!muted)}
        >
          {muted ? (
            <MicOff aria-hidden className="size-5 text-danger" />
          ) : (
            <Mic aria-hidden className="size-5" />
          )}
        </IconButton>
      )}
      {onFloat && (
        <IconButton label="Float the controls above other windows" onClick={onFloat}>
          <PictureInPicture2 aria-hidden className="size-5" />
        </IconButton>
      )}
      <IconButton
        label="Throw this recording away"
        disabled={stopping}
        aria-keyshortcuts="x"
        onClick={onCancel}
      >
        <Trash2 aria-hidden className="size-5" />
      </IconButton>
    </div>
  );
}
