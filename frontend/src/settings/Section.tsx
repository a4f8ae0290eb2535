import type { ReactNode } from 'react';

type Props = { id: string; title: string; hint: string; body: ReactNode };

/** A heading with what it is about beside what can be set. */
export function Section({ id, title, hint, body }: Props) {
  return (
    <section
      id={id}
      aria-labelledby={`${id}-title`}
      className="grid scroll-mt-20 gap-x-12 gap-y-5 py-9 md:grid-cols-[15rem_1fr]"
    >
      <div>
        <h2 id={`${id}-title`} className="font-semibold">
          {title}
        </h2>
        <p className="mt-1 text-sm text-pretty text-muted">{hint}</p>
      </div>
      <div className="min-w-0">{body}</div>
    </section>
  );
}
