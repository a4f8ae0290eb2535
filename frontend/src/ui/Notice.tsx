import clsx from 'clsx';
import { CircleAlert, Info, TriangleAlert } from 'lucide-react';
import type { ReactNode } from 'react';

const tones = {
  info: { look: 'bg-accent-soft text-accent-ink', Icon: Info },
  warn: { look: 'bg-warn-soft text-warn', Icon: TriangleAlert },
  danger: { look: 'bg-danger-soft text-danger', Icon: CircleAlert },
};

/** A message that stays in the page, unlike a toast. Danger is announced at once. */
export function Notice({
  tone = 'info',
  action,
  children,
}: {
  tone?: keyof typeof tones;
  action?: ReactNode;
  children: ReactNode;
}) {
  const { look, Icon } = tones[tone];
  return (
    <div
      role={tone === 'danger' ? 'alert' : 'status'}
      className={clsx('flex items-start gap-3 rounded-xl px-4 py-3 text-sm', look)}
    >
      <Icon aria-hidden className="mt-0.5 size-4.5 shrink-0" />
      <div className="min-w-0 grow text-pretty wrap-anywhere">{children}</div>
      {action}
    </div>
  );
}
