import { useEffect } from 'react';
import { belongsToFocus, commandOf, stepSpeed, type Command } from './keys';
import type { Playback } from './playback';
import { togglePictureInPicture } from './usePlayback';

/** What only the surface around the playback can do. */
export interface Surface {
  toggleFullscreen: () => void;
  toggleHelp: () => void;
  /** Called for every command, so that the controls show what happened. */
  noticed: () => void;
}

// Browsers do not tell the frame rate; 30 is what recorders make at most.
const FRAME = 1 / 30;

/** Listens to the keyboard for the whole page, save where the focus needs the key itself. */
export function useKeys(playback: Playback, surface: Surface): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const command = commandOf(event);
      if (!command || event.defaultPrevented || belongsToFocus(event.target, event.key)) return;
      if (document.querySelector('[role=dialog], [role=alertdialog]')) return;
      event.preventDefault();
      obey(command, playback, surface);
      surface.noticed();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [playback, surface]);
}

function obey(command: Command, playback: Playback, surface: Surface): void {
  const state = playback.getSnapshot();
  switch (command.do) {
    case 'toggle':
      return playback.toggle();
    case 'seek':
      return playback.seek(playback.currentTime + command.by);
    case 'part':
      return playback.seek(state.duration * command.of);
    case 'frame':
      playback.pause();
      return playback.seek(playback.currentTime + command.by * FRAME);
    case 'volume':
      return playback.setVolume(Math.round((state.volume + command.by) * 100) / 100);
    case 'mute':
      return playback.toggleMuted();
    case 'faster':
    case 'slower':
      return playback.setRate(stepSpeed(state.rate, command.do === 'faster'));
    case 'captions':
      return playback.showCaptions(!state.captions.shown);
    case 'pip':
      return togglePictureInPicture(state.video);
    case 'fullscreen':
      return surface.toggleFullscreen();
    case 'help':
      return surface.toggleHelp();
  }
}
