import { Volume2 } from 'lucide-react';
import { Select } from '@/ui';
import type { Bubble } from '../capture/layout';
import { Meter } from './Meter';
import { useRecorder, useSnapshot } from './recorder-context';

/** Microphone with its meter, camera and bubble, as far as the mode has them. Works in mid-take, too. */
export function Pickers() {
  const { state, using } = useSnapshot();
  const mode = 'mode' in state ? state.mode : 'screen';
  return (
    <div className="space-y-4">
      <Microphone />
      {using.systemSound && (
        <p className="flex items-center gap-2 text-sm text-muted">
          <Volume2 aria-hidden className="size-4" />
          The shared sound is recorded, too.
        </p>
      )}
      {mode !== 'screen' && <CameraPicker />}
      {mode === 'screen-camera' && <BubblePicker />}
    </div>
  );
}

function Microphone() {
  const recorder = useRecorder();
  const { devices, using } = useSnapshot();
  return (
    <div>
      <Select
        label="Microphone"
        value={using.microphoneId ?? ''}
        onChange={(event) => void recorder.useMicrophone(event.target.value || null)}
      >
        <option value="">No microphone</option>
        {devices.microphones.map(({ id, label }) => (
          <option key={id} value={id}>
            {label}
          </option>
        ))}
      </Select>
      <div className="mt-2.5">
        <Meter />
      </div>
    </div>
  );
}

function CameraPicker() {
  const recorder = useRecorder();
  const { devices, using } = useSnapshot();
  return (
    <Select
      label="Camera"
      value={using.cameraId ?? ''}
      onChange={(event) => void recorder.useCamera(event.target.value)}
    >
      {!using.cameraId && <option value="">No camera</option>}
      {devices.cameras.map(({ id, label }) => (
        <option key={id} value={id}>
          {label}
        </option>
      ))}
    </Select>
  );
}

const corners: { value: Bubble['corner']; label: string }[] = [
  { value: 'bottom-left', label: 'Bottom left' },
  { value: 'bottom-right', label: 'Bottom right' },
  { value: 'top-left', label: 'Top left' },
  { value: 'top-right', label: 'Top right' },
];

function BubblePicker() {
  const recorder = useRecorder();
  const { bubble } = useSnapshot().settings;
  return (
    <div className="grid grid-cols-2 gap-3">
      <Select
        label="Bubble"
        value={bubble.corner}
        onChange={(event) =>
          recorder.setBubble({ ...bubble, corner: event.target.value as Bubble['corner'] })
        }
      >
        {corners.map(({ value, label }) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </Select>
      <Select
        label="Size"
        value={bubble.size}
        onChange={(event) =>
          recorder.setBubble({ ...bubble, size: event.target.value as Bubble['size'] })
        }
      >
        <option value="small">Small</option>
        <option value="medium">Medium</option>
        <option value="large">Large</option>
      </Select>
    </div>
  );
}
