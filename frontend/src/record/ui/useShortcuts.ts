import { useEffect } from 'react';
import type { Recorder } from '../recorder';

/** Whether a key belongs to what has the focus rather than to the page. */
function belongsElsewhere(event: KeyboardEvent): boolean {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.repeat)
    return true;
  const at = event.target instanceof Element ? event.target : null;
  return Boolean(
    at?.closest('input, textarea, select, [contenteditable], [role="dialog"], [role="menu"]'),
  );
}

/** Keys while recording: P pauses and resumes, S stops, M mutes, X cancels; in the countdown Enter skips, Escape ends. */
export function useShortcuts(recorder: Recorder, onCancel: () => void): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (!belongsElsewhere(event) && act(recorder, event.key, onCancel)) event.preventDefault();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [recorder, onCancel]);
}

function act(recorder: Recorder, key: string, onCancel: () => void): boolean {
  const { state, muted } = recorder.snapshot();
  if (state.name === 'countdown') {
    if (key === 'Enter') recorder.skip();
    else if (key === 'Escape') void recorder.cancel();
    else return false;
    return true;
  }
  if (state.name !== 'recording' && state.name !== 'paused') return false;
  switch (key.toLowerCase()) {
    case 'p':
      if (state.name === 'paused') recorder.resume();
      else recorder.pause();
      return true;
    case 's':
      void recorder.stop();
      return true;
    case 'm':
      recorder.setMuted(!muted);
      return true;
    case 'x':
      onCancel();
      return true;
    default:
      return false;
  }
}
