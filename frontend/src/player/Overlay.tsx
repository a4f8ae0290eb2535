import { CircleAlert, Play, RotateCcw } from 'lucide-react';
import type { ReactNode } from 'react';
import { Button } from '@/ui/Button';
import { Spinner } from '@/ui/Spinner';
import type { Playback } from './playback';
import type { Snapshot } from './snapshot';

interface Props {
  playback: Playback;
  state: Snapshot;
  /** What to show while there is nothing to play yet. */
  placeholder: ReactNode;
}

/** What lies over the middle of the picture: an error, a wait, or the invitation to play. */
export function Overlay({ playback, state, placeholder }: Props) {
  if (state.trouble) {
    return (
      <Middle shaded>
        <CircleAlert aria-hidden className="size-9 text-white/80" />
        <p role="alert" className="max-w-sm text-center text-pretty">
          {state.trouble.text}
        </p>
        {state.trouble.kind !== 'gone' && (
          <Button size="sm" onClick={() => playback.retry()}>
            Try again
          </Button>
        )}
      </Middle>
    );
  }
  if (!state.attached) return <Middle shaded>{placeholder}</Middle>;
  if (state.ended) {
    return (
      <Middle>
        <BigButton label="Play again" onClick={() => playback.play()}>
          <RotateCcw aria-hidden className="size-9" />
        </BigButton>
      </Middle>
    );
  }
  if (!state.started && state.paused) {
    return (
      <Middle>
        <BigButton label="Play video" onClick={() => playback.play()}>
          <Play aria-hidden className="size-10 translate-x-0.5 fill-current" />
        </BigButton>
      </Middle>
    );
  }
  if (state.waiting && !state.paused) {
    return (
      <Middle>
        <Spinner
          label="Loading"
          className="size-12 animate-[fade_200ms_250ms_backwards] drop-shadow-lg"
        />
        <p className="animate-[fade_300ms_6s_backwards] rounded-md bg-black/70 px-2 py-0.5 text-sm">
          {navigator.onLine ? 'This takes longer than usual …' : 'Waiting for the connection …'}
        </p>
      </Middle>
    );
  }
  return null;
}

function Middle({ shaded, children }: { shaded?: boolean; children: ReactNode }) {
  return (
    <div
      className={`pointer-events-none absolute inset-0 grid place-content-center place-items-center gap-3 p-6 *:pointer-events-auto ${shaded ? 'bg-black/70' : ''}`}
    >
      {children}
    </div>
  );
}

function BigButton(props: { label: string; onClick: () => void; children: ReactNode }) {
  return (
    <button
      type="button"
      aria-label={props.label}
      onClick={props.onClick}
      className="grid size-16 place-items-center sm:size-20 rounded-full bg-[#0f766e]/90 text-white shadow-float transition-transform hover:scale-105 active:scale-95"
    >
      {props.children}
    </button>
  );
}
