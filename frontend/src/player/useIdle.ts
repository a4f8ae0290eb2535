import { useCallback, useEffect, useRef, useState } from 'react';

const AFTER_MS = 2_600;

/** True when nobody has moved, touched or typed for a while; `stir` starts the wait again. */
export function useIdle(surface: HTMLElement): { idle: boolean; stir: () => void } {
  const [idle, setIdle] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const stir = useCallback(() => {
    setIdle(false);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setIdle(true), AFTER_MS);
  }, []);
  useEffect(() => {
    const done = new AbortController();
    for (const name of ['pointermove', 'pointerdown', 'focusin']) {
      surface.addEventListener(name, stir, { signal: done.signal });
    }
    surface.addEventListener(
      'pointerleave',
      (event) => {
        if (event.pointerType === 'mouse') setIdle(true);
      },
      { signal: done.signal },
    );
    timer.current = setTimeout(() => setIdle(true), AFTER_MS);
    return () => {
      done.abort();
      clearTimeout(timer.current);
    };
  }, [surface, stir]);
  return { idle, stir };
}
