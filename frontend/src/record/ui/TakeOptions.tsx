import { ChevronDown } from 'lucide-react';
import { Select, Switch } from '@/ui';
import { canKeep } from '../environment';
import type { FormatChoice } from '../format';
import { useRecorder, useSnapshot } from './recorder-context';

const formats: { value: FormatChoice; label: string }[] = [
  { value: 'auto', label: 'Automatic' },
  { value: 'mp4', label: 'MP4 (H.264)' },
  { value: 'webm', label: 'WebM (VP9)' },
  { value: 'vp8', label: 'WebM (VP8)' },
];

const heights = [
  { value: 720, label: 'Up to 720p' },
  { value: 1080, label: 'Up to 1080p' },
  { value: 1440, label: 'Up to 1440p' },
  { value: 2160, label: 'Up to 4K' },
];

/** The few things that can be set before a take; folded away, since the defaults are right for most. */
export function TakeOptions() {
  const recorder = useRecorder();
  const { settings } = useSnapshot();
  const only = !canKeep();
  const live = settings.live || only;
  return (
    <details className="group mt-2 border-t border-line pt-4">
      <summary className="inline-flex min-h-11 list-none items-center gap-1.5 rounded-lg text-sm font-medium text-muted hover:text-ink">
        Options
        <ChevronDown aria-hidden className="size-4 transition-transform group-open:rotate-180" />
      </summary>
      <div className="mt-3 grid gap-4 sm:grid-cols-3">
        <Select
          label="Picture"
          hint="Larger keeps small text sharp and asks more of this computer."
          value={settings.maxHeight}
          onChange={(event) => recorder.remember({ maxHeight: Number(event.target.value) })}
        >
          {heights.map(({ value, label }) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </Select>
        <Select
          label="Recording format"
          hint={
            live
              ? 'Sent live, it is H.264 where the browser has it.'
              : 'Plays everywhere either way.'
          }
          disabled={live}
          value={settings.format}
          onChange={(event) => recorder.remember({ format: event.target.value as FormatChoice })}
        >
          {formats.map(({ value, label }) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </Select>
        <Select
          label="Countdown"
          value={settings.countdown ? 'on' : 'off'}
          onChange={(event) => recorder.remember({ countdown: event.target.value === 'on' })}
        >
          <option value="on">3 – 2 – 1</option>
          <option value="off">Start at once</option>
        </Select>
      </div>
      <div className="mt-4 max-w-xl">
        <Switch
          label="Send live, keep nothing in this browser"
          hint="Over WebRTC, straight to the server: it takes no room here and gets through where uploads stall. In return the picture follows the line, and what a broken line could not send is lost."
          checked={live}
          disabled={only}
          onChange={(on) => recorder.remember({ live: on })}
        />
      </div>
    </details>
  );
}
