import { Button } from '@/ui';
import { useRecorder } from './recorder-context';

/** 3 – 2 – 1 over the preview, with a way forward and a way back. */
export function Countdown({ left }: { left: number }) {
  const recorder = useRecorder();
  return (
    <div className="absolute inset-0 flex flex-col items-center justify-center gap-4 bg-black/60 text-white sm:gap-6">
      <p
        key={left}
        role="status"
        className="animate-rise text-7xl font-semibold tabular-nums sm:text-9xl"
      >
        {Math.max(1, left)}
      </p>
      <div className="flex gap-3">
        <Button tone="record" size="sm" onClick={() => recorder.skip()}>
          Start now
        </Button>
        <Button size="sm" onClick={() => void recorder.cancel()}>
          Cancel
        </Button>
      </div>
    </div>
  );
}
