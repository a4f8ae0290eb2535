import type { ReactNode } from 'react';

type Props = {
  /** An icon or small picture. */
  picture?: ReactNode;
  title: string;
  children?: ReactNode;
  action?: ReactNode;
};

/** Nothing here, and what to do about it. */
export function EmptyState({ picture, title, children, action }: Props) {
  return (
    <div className="mx-auto flex max-w-md animate-fade flex-col items-center px-4 py-16 text-center sm:py-24">
      {picture && (
        <div className="mb-6 grid size-16 place-items-center rounded-2xl bg-accent-soft text-accent-ink [&>svg]:size-7">
          {picture}
        </div>
      )}
      <h2 className="text-xl font-semibold">{title}</h2>
      {children && <div className="mt-2 text-pretty text-muted">{children}</div>}
      {action && <div className="mt-7 flex flex-wrap justify-center gap-3">{action}</div>}
    </div>
  );
}
