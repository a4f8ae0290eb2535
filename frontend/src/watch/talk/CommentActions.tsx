import { Check, Reply, RotateCcw } from 'lucide-react';
import type { ReactNode } from 'react';
import type { Entry } from './entries';
import type { Context } from './ThreadList';

interface Props {
  entry: Entry;
  context: Context;
  onReply?: () => void;
}

/** What is done most: answer and resolve. */
export function CommentActions({ entry, context, onReply }: Props) {
  const resolved = Boolean(entry.resolved_at);
  const mayResolve = entry.parent_id === null && entry.may.resolve;
  if (!onReply && !mayResolve) return null;
  return (
    <div className="mt-0.5 -ml-2 flex items-center">
      {onReply && (
        <Action onClick={onReply}>
          <Reply aria-hidden />
          Reply
        </Action>
      )}
      {mayResolve && (
        <Action onClick={() => void context.talk.resolve(entry, !resolved)}>
          {resolved ? <RotateCcw aria-hidden /> : <Check aria-hidden />}
          {resolved ? 'Reopen' : 'Resolve'}
        </Action>
      )}
    </div>
  );
}

function Action({ onClick, children }: { onClick: () => void; children: ReactNode }) {
  return (
    <button
      type="button"
      onClick={onClick}
      className="flex min-h-8 items-center gap-1.5 rounded-lg px-2 text-[0.8125rem] font-medium text-muted hover:bg-sunken hover:text-ink pointer-coarse:min-h-11 [&>svg]:size-3.5"
    >
      {children}
    </button>
  );
}
