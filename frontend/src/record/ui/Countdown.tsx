import clsx from 'clsx';
import { Button } from '@/ui';
import { useRecorder, useSnapshot } from './recorder-context';

/** 3 – 2 – 1 over the preview, with a way forward and a way back. */
export function Countdown({ left }: { left: number }) {
  const recorder = useRecorder();
  const { connecting } = useSnapshot();
  const waiting = left === 0 && connecting;
  return (
    <div className="absolute inset-0 flex flex-col items-center justify-center gap-4 bg-black/60 text-white sm:gap-6">
      <p
        key={left}
        role="status"
        className={clsx(
          'animate-rise font-semibold tabular-nums',
          waiting ? 'text-3xl sm:text-5xl' : 'text-7xl sm:text-9xl',
        )}
      >
        {waiting ? 'Connecting…' : Math.max(1, left)}
      </p>
      <div className="flex gap-3">
        <Button tone="record" size="sm" disabled={left === 0} onClick={() => recorder.skip()}>
          Start now
        </Button>
        <Button size="sm" onClick={() => void recorder.cancel()}>
          Cancel
        </Button>
      </div>
    </div>
  );
}
