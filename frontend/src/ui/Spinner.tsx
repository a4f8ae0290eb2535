import clsx from 'clsx';
import { LoaderCircle } from 'lucide-react';

/** Something is under way and it cannot be said how far. Give `label` where no text beside it says what. */
export function Spinner({ className, label }: { className?: string; label?: string }) {
  return (
    <span role={label ? 'status' : undefined} className={clsx('inline-flex size-5', className)}>
      <LoaderCircle aria-hidden className="size-full animate-spin motion-reduce:animate-glow" />
      {label && <span className="sr-only">{label}</span>}
    </span>
  );
}

/** A whole area is loading. Appears late, so that quick answers do not flash it. */
export function LoadingArea({ label = 'Loading' }: { label?: string }) {
  return (
    <div className="grid min-h-64 place-items-center text-muted">
      <Spinner label={label} className="size-7 animate-[fade_200ms_300ms_backwards]" />
    </div>
  );
}
