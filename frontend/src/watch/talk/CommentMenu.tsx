import { Link2, MoreHorizontal, Pencil, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { Confirm, copyWithToast, Menu, MenuItem, plural } from '@/ui';
import type { Entry } from './entries';
import type { Context } from './ThreadList';

interface Props {
  entry: Entry;
  context: Context;
  replies: number;
  onEdit: () => void;
}

/** What is done now and then; shown on approach, and always to fingers. */
export function CommentMenu({ entry, context, replies, onEdit }: Props) {
  const [asking, setAsking] = useState(false);
  return (
    <>
      <Menu
        trigger={
          <button
            type="button"
            aria-label={`More about the comment by ${entry.author.name}`}
            className="-my-1 grid size-8 shrink-0 place-items-center rounded-lg text-muted opacity-0 transition-opacity group-hover/comment:opacity-100 hover:bg-sunken hover:text-ink focus-visible:opacity-100 data-[state=open]:opacity-100 pointer-coarse:size-11 pointer-coarse:opacity-100"
          >
            <MoreHorizontal aria-hidden className="size-4.5" />
          </button>
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
      {asking && (
        <Confirm
          open
          onOpenChange={setAsking}
          title="Delete this comment?"
          verb="Delete"
          onConfirm={() => {
            setAsking(false);
            void context.talk.remove(entry);
          }}
        >
          {replies > 0
            ? `${plural(replies, 'reply goes', 'replies go')} with it. This cannot be undone.`
            : 'This cannot be undone.'}
        </Confirm>
      )}
    </>
  );
}

function linkTo(entry: Entry, watchUrl: string): string {
  const url = new URL(watchUrl, location.origin);
  url.hash = `c-${entry.id}`;
  return url.toString();
}
