import { ArrowLeft, Circle } from 'lucide-react';
import { useCallback, useState } from 'react';
import { Badge, Button, Confirm, Field, Notice } from '@/ui';
import { ControlBar, Elapsed } from './ControlBar';
import { Countdown } from './Countdown';
import { LiveWord } from './LiveWord';
import { Floating, useFloatingWindow } from './Floating';
import { Pickers } from './Pickers';
import { Preview } from './Preview';
import { useRecorder, useSnapshot } from './recorder-context';
import { SavedBadge } from './SavedBadge';
import { useShortcuts } from './useShortcuts';

/** Preview, devices and controls, from "ready" to the last byte written. */
export function Studio() {
  const recorder = useRecorder();
  const { state, notices, uplink, title } = useSnapshot();
  const [asking, setAsking] = useState(false);
  const { floating, open } = useFloatingWindow();
  const ask = useCallback(() => setAsking(true), []);
  useShortcuts(recorder, ask);
  const taking = state.name === 'recording' || state.name === 'paused' || state.name === 'stopping';
  return (
    <section className="grid animate-fade gap-6 lg:grid-cols-[minmax(0,1fr)_20rem] lg:gap-8">
      <h1 className="sr-only">{taking ? 'Recording' : 'Ready to record'}</h1>
      <div className="space-y-4">
        <Preview>
          {state.name === 'countdown' && <Countdown left={state.left} />}
          {state.name === 'paused' && (
            <Badge tone="overlay" className="absolute top-3 left-3 text-sm">
              Paused
            </Badge>
          )}
        </Preview>
        {taking && (
          <div className="flex flex-wrap items-center gap-x-5 gap-y-3">
            <Elapsed />
            <SavedBadge />
            <div className="grow" />
            <ControlBar
              onCancel={ask}
              onFloat={floating ? undefined : open && (() => void open())}
            />
          </div>
        )}
        {uplink?.trouble && <Notice tone="warn">{uplink.trouble.message}</Notice>}
        {notices.map((text) => (
          <Notice
            key={text}
            action={
              <Button
                size="sm"
                tone="ghost"
                className="-my-1.5"
                onClick={() => recorder.dismiss(text)}
              >
                Got it
              </Button>
            }
          >
            {text}
          </Notice>
        ))}
      </div>
      <div className="space-y-4">
        <Field
          label="Title"
          value={title}
          maxLength={200}
          placeholder="What is it about?"
          hint={taking ? undefined : 'Can wait: you can name it later.'}
          onChange={(event) => recorder.setTitle(event.target.value)}
        />
        <Pickers />
        {taking ? <Keys /> : <Begin />}
        <LiveWord />
      </div>
      {floating && taking && <Floating into={floating} onCancel={ask} />}
      <Confirm
        open={asking && taking}
        onOpenChange={setAsking}
        title="Throw this recording away?"
        verb="Throw away"
        onConfirm={() => void recorder.cancel()}
      >
        It ends here and is not kept in this browser. What the server already has goes to the trash.
      </Confirm>
    </section>
  );
}

function Begin() {
  const recorder = useRecorder();
  const { state, connecting } = useSnapshot();
  const waiting = state.name !== 'ready' || connecting;
  return (
    <div className="flex gap-3 pt-2">
      <Button onClick={() => void recorder.back()} disabled={waiting}>
        <ArrowLeft aria-hidden className="size-4.5" />
        Back
      </Button>
      <Button
        tone="record"
        className="grow"
        disabled={waiting}
        busy={state.name === 'ready' && connecting}
        onClick={() => recorder.start()}
      >
        <Circle aria-hidden className="size-4 fill-current" />
        Start recording
      </Button>
    </div>
  );
}

function Keys() {
  return (
    <p className="hidden text-sm text-muted pointer-fine:block">
      Keys: <kbd>P</kbd> pause, <kbd>M</kbd> mute, <kbd>S</kbd> stop.
    </p>
  );
}
