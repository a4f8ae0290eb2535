import { Check, Link2, MoreHorizontal, Pencil, RotateCcw, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { Button, Confirm, copyWithToast, IconButton, Menu, MenuItem, plural } from '@/ui';
import type { Entry } from './entries';
import type { Context } from './ThreadList';

interface Props {
  entry: Entry;
  context: Context;
  replies: number;
  onReply?: () => void;
  onEdit: () => void;
}

/** Answer, resolve, and the rest in a menu. */
export function CommentActions({ entry, context, replies, onReply, onEdit }: Props) {
  const [asking, setAsking] = useState(false);
  const { talk } = context;
  const resolved = Boolean(entry.resolved_at);
  const mayResolve = entry.parent_id === null && entry.may.resolve;
  return (
    <div className="-ml-3 flex items-center">
      {onReply && (
        <Button size="sm" tone="ghost" onClick={onReply}>
          Reply
        </Button>
      )}
      {mayResolve && (
        <Button size="sm" tone="ghost" onClick={() => void talk.resolve(entry, !resolved)}>
          {resolved ? (
            <RotateCcw aria-hidden className="size-4" />
          ) : (
            <Check aria-hidden className="size-4" />
          )}
          {resolved ? 'Reopen' : 'Resolve'}
        </Button>
      )}
      <Menu
        align="start"
        trigger={
          <IconButton label="More" size="sm">
            <MoreHorizontal aria-hidden className="size-4.5" />
          </IconButton>
        }
      >
        <MenuItem
          icon={<Link2 aria-hidden />}
          onSelect={() => void copyWithToast(linkTo(entry, context.video.watch_url))}
        >
          Copy link to comment
        </MenuItem>
        {entry.may.edit && (
          <MenuItem icon={<Pencil aria-hidden />} onSelect={onEdit}>
            Edit
          </MenuItem>
        )}
        {entry.may.delete && (
          <MenuItem danger icon={<Trash2 aria-hidden />} onSelect={() => setAsking(true)}>
            Delete
          </MenuItem>
        )}
      </Menu>
      <Confirm
        open={asking}
        onOpenChange={setAsking}
        title="Delete this comment?"
        verb="Delete"
        onConfirm={() => {
          setAsking(false);
          void talk.remove(entry);
        }}
      >
        {replies > 0
          ? `Its ${plural(replies, 'reply', 'replies')} go with it. This cannot be undone.`
          : 'This cannot be undone.'}
      </Confirm>
    </div>
  );
}

function linkTo(entry: Entry, watchUrl: string): string {
  const url = new URL(watchUrl, location.origin);
  url.hash = `c-${entry.id}`;
  return url.toString();
}
