import { useQueryClient } from '@tanstack/react-query';
import { Copy, Link2, Pencil, Plus, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { messageOf, shareKeys, sharing, useShareLinks, type ShareLink, type Video } from '@/api';
import {
  Badge,
  Button,
  Confirm,
  copyWithToast,
  IconButton,
  Notice,
  plural,
  Skeleton,
  toast,
} from '@/ui';
import { LinkForm } from './LinkForm';
import { expiry } from './terms';

/** Share links: addresses that open the video on terms of their own. */
export function LinksPanel({ video }: { video: Video }) {
  const client = useQueryClient();
  const links = useShareLinks(video.id);
  const [editing, setEditing] = useState<'new' | string | null>(null);
  const items = links.data?.items ?? [];
  const paused = items.filter((link) => link.state === 'paused').length;
  const done = async () => {
    setEditing(null);
    await client.invalidateQueries({ queryKey: shareKeys.links(video.id) });
  };

  return (
    <div className="grid grid-cols-1 gap-4">
      <p className="text-sm text-pretty text-muted">
        A share link lets in whoever has it, from outside of the workspace, too. Give it a password
        or an end, and close it when you like.
      </p>
      {video.visibility === 'link' && items.length > 0 && (
        <Notice>
          Anyone with the link may watch this video: also everybody who came by one of these links,
          after it is closed, too.
        </Notice>
      )}
      {paused > 0 && (
        <Notice tone="warn">
          {plural(paused, 'link')} {paused === 1 ? 'is' : 'are'} paused, because only you may watch
          this video.
        </Notice>
      )}
      {links.error && <Notice tone="danger">{messageOf(links.error)}</Notice>}
      {links.isPending && <Skeleton className="h-16 rounded-xl" />}
      {items.length > 0 && (
        <ul
          aria-label="Share links"
          className="divide-y divide-line overflow-hidden rounded-xl border border-line bg-surface"
        >
          {items.map((link) =>
            editing === link.id ? (
              <li key={link.id} className="p-4">
                <LinkForm video={video} link={link} onDone={() => void done()} />
              </li>
            ) : (
              <Row key={link.id} link={link} onEdit={() => setEditing(link.id)} onChanged={done} />
            ),
          )}
        </ul>
      )}
      {editing === 'new' ? (
        <div className="rounded-xl border border-line bg-surface p-4">
          <LinkForm video={video} onDone={() => void done()} />
        </div>
      ) : (
        <Button size="sm" className="justify-self-start" onClick={() => setEditing('new')}>
          <Plus aria-hidden className="size-4.5" />
          New share link
        </Button>
      )}
    </div>
  );
}

const states = { open: null, paused: 'Paused', expired: 'Ended', full: 'Used up' } as const;

type RowProps = { link: ShareLink; onEdit: () => void; onChanged: () => Promise<void> };

function Row({ link, onEdit, onChanged }: RowProps) {
  const [asking, setAsking] = useState(false);
  const name = link.name || 'Share link';
  const revoke = async () => {
    setAsking(false);
    try {
      await sharing.revokeLink(link.id);
      toast('The link is closed', { description: 'Whoever watched by it is out.' });
    } catch (error) {
      toast.error(messageOf(error));
    }
    await onChanged();
  };
  return (
    <li className="flex items-center gap-1 py-2.5 pr-2 pl-3.5">
      <div className="min-w-0 grow">
        <p className="flex items-center gap-2 text-sm font-medium">
          <Link2 aria-hidden className="size-4 shrink-0 text-muted" />
          <span className="truncate">{name}</span>
          {states[link.state] && <Badge tone="warn">{states[link.state]}</Badge>}
        </p>
        <p className="mt-0.5 text-xs text-pretty text-muted">{terms(link)}</p>
      </div>
      <IconButton label={`Copy ${name}`} size="sm" onClick={() => void copyWithToast(link.url)}>
        <Copy aria-hidden className="size-4.5" />
      </IconButton>
      <IconButton label={`Change ${name}`} size="sm" onClick={onEdit}>
        <Pencil aria-hidden className="size-4.5" />
      </IconButton>
      <IconButton label={`Close ${name}`} size="sm" onClick={() => setAsking(true)}>
        <Trash2 aria-hidden className="size-4.5" />
      </IconButton>
      <Confirm
        open={asking}
        onOpenChange={setAsking}
        title="Close this link?"
        verb="Close it"
        onConfirm={() => void revoke()}
      >
        Whoever watches by it now is out at once. It cannot be opened again; you can make a new one.
      </Confirm>
    </li>
  );
}

function terms(link: ShareLink): string {
  return [
    link.has_password && 'password',
    link.expires_at && expiry(link.expires_at),
    link.max_views > 0 && `${link.views} of ${link.max_views} browsers let in`,
    link.may_comment ? 'may comment' : 'watch only',
    link.may_download && 'may download',
  ]
    .filter(Boolean)
    .join(' · ');
}
