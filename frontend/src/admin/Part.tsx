import type { ReactNode } from 'react';

type Props = { id: string; title: string; action?: ReactNode; children: ReactNode };

/** A part of the page under its heading. */
export function Part({ id, title, action, children }: Props) {
  return (
    <section id={id} aria-labelledby={`${id}-title`} className="min-w-0 scroll-mt-20">
      <div className="mb-3.5 flex min-h-9 flex-wrap items-center justify-between gap-x-4 gap-y-2">
        <h2 id={`${id}-title`} className="text-lg font-semibold">
          {title}
        </h2>
        {action}
      </div>
      {children}
    </section>
  );
}
