import clsx from 'clsx';

/** Holds the place of what is loading, at its size. */
export function Skeleton({ className }: { className?: string }) {
  return <div aria-hidden className={clsx('animate-glow rounded-md bg-sunken', className)} />;
}
