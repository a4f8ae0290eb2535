import clsx from 'clsx';
import { CloudAlert, CloudCheck, CloudUpload } from 'lucide-react';
import { clock } from '@/ui';
import { useSnapshot } from './recorder-context';

/** How far the server has the take, and whether the line is up. Everything later is in this browser, save of a live take. */
export function SavedBadge({ className }: { className?: string }) {
  const { uplink, savedMs, live } = useSnapshot();
  const troubled = uplink?.phase === 'troubled' || uplink?.phase === 'refused';
  const Icon = troubled ? CloudAlert : savedMs > 0 ? CloudCheck : CloudUpload;
  return (
    <span
      role="status"
      aria-live="off"
      data-testid="saved"
      className={clsx(
        'inline-flex items-center gap-1.5 rounded-lg px-2.5 py-1 text-sm font-medium tabular-nums',
        troubled ? 'bg-warn-soft text-warn' : 'bg-accent-soft text-accent-ink',
        className,
      )}
    >
      <Icon aria-hidden className="size-4 shrink-0" />
      {live ? liveLabel(troubled, savedMs) : label(troubled, savedMs)}
    </span>
  );
}

function liveLabel(troubled: boolean, savedMs: number): string {
  const saved = savedMs > 0 ? `Saved up to ${clock(savedMs)}` : 'Sending…';
  if (!troubled) return saved;
  return savedMs > 0 ? `${saved}, the line is broken` : 'The line is broken';
}

function label(troubled: boolean, savedMs: number): string {
  if (troubled && savedMs === 0) return 'Kept in this browser';
  if (troubled) return `Saved up to ${clock(savedMs)}, the rest is kept here`;
  return savedMs > 0 ? `Saved up to ${clock(savedMs)}` : 'Saving…';
}
