import { useRef, useState } from 'react';
import type { Playback } from '@/player';

const KEY = 'meanwhile:pause-while-typing';

/** Stops the video when a comment is begun and goes on when it is sent, unless the writer would rather not. */
export function usePauseWhileTyping(playback: Playback) {
  const [on, setOn] = useState(() => read());
  const paused = useRef(false);
  const begin = () => {
    const { paused: still, live } = playback.getSnapshot();
    if (!on || still || live) return;
    playback.pause();
    paused.current = true;
  };
  const end = () => {
    if (paused.current) playback.play();
    paused.current = false;
  };
  const set = (next: boolean) => {
    setOn(next);
    try {
      localStorage.setItem(KEY, next ? 'yes' : 'no');
    } catch {
      // Lasts until the page is left.
    }
    if (!next) end();
  };
  return { on, set, begin, end };
}

function read(): boolean {
  try {
    return localStorage.getItem(KEY) !== 'no';
  } catch {
    return true;
  }
}
