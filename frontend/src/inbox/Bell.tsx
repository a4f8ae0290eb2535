import { Link } from '@tanstack/react-router';
import { Bell as Icon } from 'lucide-react';
import { useInbox, useSession } from '@/api';
import { IconButton } from '@/ui';
import { Popover } from 'radix-ui';
import { useState } from 'react';
import { Notices } from './Notices';

/** How much in the inbox is new, and the newest of it. */
export function Bell() {
  const account = useSession().data?.account;
  const inbox = useInbox(Boolean(account));
  const [open, setOpen] = useState(false);
  if (!account) return null;
  const unread = inbox.data?.unread ?? 0;
  return (
    <Popover.Root open={open} onOpenChange={setOpen}>
      <span className="relative">
        <Popover.Trigger asChild>
          <IconButton label={unread > 0 ? `Inbox, ${unread} new` : 'Inbox'}>
            <Icon aria-hidden className="size-5" />
          </IconButton>
        </Popover.Trigger>
        {unread > 0 && (
          <span
            aria-hidden
            className="pointer-events-none absolute top-1 right-0.5 grid h-4.5 min-w-4.5 place-items-center rounded-full bg-danger px-1 text-[0.6875rem] font-semibold text-on-danger"
          >
            {unread > 99 ? '99+' : unread}
          </span>
        )}
      </span>
      <Popover.Portal>
        <Popover.Content
          align="end"
          sideOffset={6}
          collisionPadding={12}
          aria-label="Inbox"
          className="z-50 max-h-[min(36rem,var(--radix-popover-content-available-height))] w-[min(26rem,calc(100vw-1.5rem))] animate-rise overflow-y-auto rounded-2xl border border-line bg-raised shadow-float outline-none"
        >
          <div className="flex items-center justify-between gap-3 px-4 pt-3.5 pb-2">
            <h2 className="font-semibold">Inbox</h2>
            <Link to="/inbox" className="text-sm" onClick={() => setOpen(false)}>
              See all
            </Link>
          </div>
          <Notices most={8} onLeave={() => setOpen(false)} />
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}
