import { createContext, useContext, useEffect, useState, useSyncExternalStore } from 'react';
import type { Recorder } from '../recorder';
import type { Snapshot } from '../snapshot';

/** The recorder of the page, for everything below it. */
export const RecorderContext = createContext<Recorder | null>(null);

/** The page's recorder. */
export function useRecorder(): Recorder {
  const recorder = useContext(RecorderContext);
  if (!recorder) throw new Error('No recorder above this component.');
  return recorder;
}

/** What the recorder shows now. */
export function useSnapshot(): Snapshot {
  const recorder = useRecorder();
  return useSyncExternalStore(recorder.subscribe, recorder.snapshot);
}

/** Recorded milliseconds, renewed four times a second while the take runs. */
export function useElapsed(): number {
  const recorder = useRecorder();
  const running = useSnapshot().state.name === 'recording';
  const [, renew] = useState(0);
  useEffect(() => {
    if (!running) return;
    const timer = setInterval(() => renew((n) => n + 1), 250);
    return () => clearInterval(timer);
  }, [running]);
  return recorder.elapsed();
}
