import { useQueryClient } from '@tanstack/react-query';
import clsx from 'clsx';
import { Inbox } from 'lucide-react';
import { useEffect } from 'react';
import { inbox, messageOf, shareKeys, useInbox } from '@/api';
import { Notice as Message, Skeleton } from '@/ui';
import { NoticeRow } from './NoticeRow';

interface Props {
  /** How many to show; all without it. */
  most?: number;
  /** Something was followed that leads elsewhere. */
  onLeave?: () => void;
}

/** What one should know or answer, the newest first. What was shown counts as read, save what waits for an answer. */
export function Notices({ most, onLeave }: Props) {
  const client = useQueryClient();
  const list = useInbox();
  const items = list.data?.items.slice(0, most) ?? [];
  const fresh = items
    .filter((one) => !one.read && one.request?.state !== 'open')
    .map(({ id }) => id)
    .join(' ');
  useEffect(() => {
    if (!fresh) return;
    // Shown for a moment first: a mark that vanishes at once tells nobody anything.
    const timer = setTimeout(() => {
      inbox
        .read({ ids: fresh.split(' ') })
        .then(() => client.invalidateQueries({ queryKey: shareKeys.inbox }))
        .catch(() => undefined); // It stays new, which is no harm.
    }, 1_500);
    return () => clearTimeout(timer);
  }, [fresh, client]);

  if (list.error) return <Message tone="danger">{messageOf(list.error)}</Message>;
  if (list.isPending) return <Skeleton className="m-4 h-16 rounded-xl" />;
  if (items.length === 0) {
    return (
      <p className="flex flex-col items-center gap-3 px-4 py-10 text-center text-sm text-muted">
        <Inbox aria-hidden className="size-7" />
        Nothing here yet. Requests to watch your videos arrive here.
      </p>
    );
  }
  return (
    <ul aria-label="Notices" className={clsx('divide-y divide-line')}>
      {items.map((one) => (
        <NoticeRow key={one.id} notice={one} onLeave={onLeave} />
      ))}
    </ul>
  );
}
