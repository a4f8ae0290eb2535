import clsx from 'clsx';
import { useState } from 'react';
import { Ago, Avatar, Badge, Button, clock, spokenClock } from '@/ui';
import { Body } from './Body';
import { CommentActions } from './CommentActions';
import { CommentMenu } from './CommentMenu';
import { EditBox } from './EditBox';
import type { Entry } from './entries';
import type { Context } from './ThreadList';

interface Props {
  entry: Entry;
  context: Context;
  /** Absent where one cannot answer. */
  onReply?: () => void;
  /** How many answers go with it when it is deleted. */
  replies: number;
}

/** One comment: who, at which second, what, and what may be done with it. */
export function CommentItem({ entry, context, onReply, replies }: Props) {
  const { playback, talk } = context;
  const [editing, setEditing] = useState(false);
  const isReply = entry.parent_id !== null;
  return (
    <div
      id={`c-${entry.id}`}
      className={clsx(
        'group/comment -mx-2 scroll-mt-24 rounded-xl px-2 py-1.5 transition-colors duration-700 data-flash:bg-accent-soft',
        entry.fresh && 'animate-[newcomer_4s_ease-out]',
        entry.local === 'sending' && 'opacity-60',
      )}
    >
      <div className="flex items-center gap-2">
        <Avatar name={entry.author.name} id={entry.author.id} size="sm" />
        <span className="min-w-0 truncate text-sm font-semibold">{entry.author.name}</span>
        {entry.author.guest && <Badge>Guest</Badge>}
        <span className="shrink-0 text-[0.8125rem] text-muted">
          {entry.local === 'sending' ? 'sending …' : <Ago iso={entry.created_at} />}
          {entry.edited_at && entry.local === undefined && ' · edited'}
        </span>
        <span className="grow" />
        {entry.local === undefined && (
          <CommentMenu
            entry={entry}
            context={context}
            replies={replies}
            onEdit={() => setEditing(true)}
          />
        )}
        {!isReply && (
          <button
            type="button"
            aria-label={`Go to ${spokenClock(entry.at_ms)}`}
            onClick={() => playback.seek(entry.at_ms / 1000)}
            className="shrink-0 rounded-md bg-accent-soft px-1.5 py-0.5 text-[0.8125rem] font-semibold text-accent-ink tabular-nums hover:underline pointer-coarse:px-3 pointer-coarse:py-2"
          >
            {clock(entry.at_ms)}
          </button>
        )}
      </div>
      <div className="mt-1 pl-8">
        {editing ? (
          <EditBox
            body={entry.body}
            onCancel={() => setEditing(false)}
            onSave={(body) => {
              setEditing(false);
              void talk.edit(entry, body);
            }}
          />
        ) : (
          <Body text={entry.body} playback={playback} />
        )}
        {entry.local === 'failed' && <Failed entry={entry} context={context} />}
        {entry.local === undefined && !editing && (
          <CommentActions entry={entry} context={context} onReply={onReply} />
        )}
      </div>
    </div>
  );
}

function Failed({ entry, context: { talk } }: { entry: Entry; context: Context }) {
  return (
    <div role="alert" className="mt-2 text-sm text-danger">
      <p>{entry.problem}</p>
      <div className="mt-2 flex gap-2">
        <Button size="sm" onClick={() => talk.resend(entry)}>
          Send again
        </Button>
        <Button size="sm" tone="ghost" onClick={() => talk.discard(entry)}>
          Discard
        </Button>
      </div>
    </div>
  );
}
