import clsx from 'clsx';
import { Camera, MonitorUp, PictureInPicture2, type LucideIcon } from 'lucide-react';
import { Notice, Spinner } from '@/ui';
import { canShareScreen, look } from '../environment';
import type { Mode } from '../machine';
import { useRecorder, useSnapshot } from './recorder-context';
import { NoRecorder } from './LiveWord';
import { TakeOptions } from './TakeOptions';
import { UnfinishedTakes } from './UnfinishedTakes';

const modes: { mode: Mode; title: string; text: string; Icon: LucideIcon }[] = [
  { mode: 'screen', title: 'Screen', text: 'A tab, a window or everything', Icon: MonitorUp },
  {
    mode: 'screen-camera',
    title: 'Screen + camera',
    text: 'You in a bubble on what you show',
    Icon: PictureInPicture2,
  },
  { mode: 'camera', title: 'Camera', text: 'Just you', Icon: Camera },
];

/** The first question: what to record. */
export function Choose() {
  const recorder = useRecorder();
  const { state, settings } = useSnapshot();
  const asking = state.name === 'choosing' ? state.mode : null;
  const here = look();
  const display = canShareScreen(here);
  return (
    <section className="animate-fade">
      <UnfinishedTakes className="mb-8" />
      <h1 className="text-2xl font-semibold sm:text-3xl">What would you like to record?</h1>
      <p className="mt-2 text-muted">The link is ready the moment you press Stop.</p>
      {state.name === 'idle' && state.notice && (
        <div className="mt-5">
          <Notice tone="warn">{state.notice}</Notice>
        </div>
      )}
      {!here.recorder && <NoRecorder />}
      <div className="mt-6 grid gap-3 sm:mt-8 sm:grid-cols-3 sm:gap-5">
        {modes.map(({ mode, ...card }) => (
          <ModeCard
            key={mode}
            {...card}
            last={settings.mode === mode}
            asking={asking === mode}
            disabled={asking !== null || (mode !== 'camera' && !display)}
            onClick={() => void recorder.choose(mode)}
          />
        ))}
      </div>
      <p role="status" className="mt-4 min-h-6 text-sm text-muted">
        {asking && 'Answer the browser’s question to go on…'}
        {!asking && !display && 'This device cannot share its screen; the camera works.'}
      </p>
      <TakeOptions />
    </section>
  );
}

type CardProps = {
  title: string;
  text: string;
  Icon: LucideIcon;
  /** What was recorded last time. */
  last: boolean;
  asking: boolean;
  disabled: boolean;
  onClick: () => void;
};

function ModeCard({ title, text, Icon, last, asking, disabled, onClick }: CardProps) {
  return (
    <button
      type="button"
      disabled={disabled}
      onClick={onClick}
      className={clsx(
        'group flex items-center gap-4 rounded-2xl border bg-surface p-4 text-left shadow-card transition sm:flex-col sm:items-start sm:gap-6 sm:p-6',
        'hover:not-disabled:-translate-y-0.5 hover:not-disabled:shadow-lift disabled:opacity-60',
        last ? 'border-accent' : 'border-line hover:not-disabled:border-edge',
      )}
    >
      <span className="grid size-12 shrink-0 place-items-center rounded-xl bg-accent-soft text-accent-ink sm:size-14">
        {asking ? <Spinner /> : <Icon aria-hidden className="size-6 sm:size-7" />}
      </span>
      <span>
        <span className="block text-lg font-semibold">{title}</span>
        <span className="block text-sm text-muted">{text}</span>
      </span>
    </button>
  );
}
