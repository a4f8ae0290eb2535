import { Radio } from 'lucide-react';
import { Notice } from '@/ui';
import { goesLive } from '../beginning';
import { useSnapshot } from './recorder-context';

/** Chosen by itself, so it is said. */
export function NoRecorder() {
  return (
    <div className="mt-5">
      <Notice>
        This browser has no recorder of its own, so recordings go live to the server while you make
        them. Nothing is kept in this browser: what a broken line could not send is lost.
      </Notice>
    </div>
  );
}

/** Says in the studio that a take goes live, or is about to. */
export function LiveWord() {
  const { state, settings, live, uplink } = useSnapshot();
  const running = uplink !== null;
  if (running ? !live : !goesLive(settings)) return null;
  return (
    <p className="flex items-start gap-2 text-sm text-pretty text-muted">
      <Radio aria-hidden className="mt-0.5 size-4 shrink-0" />
      {state.name === 'paused'
        ? 'Paused: nothing is sent. A pause may last an hour.'
        : 'Sent live: this browser keeps nothing, and what a broken line cannot send is lost.'}
    </p>
  );
}
