import clsx from 'clsx';
import { useState } from 'react';
import { CommentItem } from './CommentItem';
import { ReplyBox } from './ReplyBox';
import type { Thread } from './threads';
import type { Context } from './ThreadList';

interface Props {
  thread: Thread;
  /** The video is at its second right now. */
  current: boolean;
  context: Context;
}

/** A comment, its answers, and a place to answer. */
export function ThreadItem({ thread, current, context }: Props) {
  const [replying, setReplying] = useState(false);
  const { root, replies } = thread;
  const mayReply = context.video.may.comment && root.local === undefined;
  return (
    <article
      aria-label={`Comment by ${root.author.name}`}
      className={clsx(
        'border-l-2 px-4 pt-4 transition-colors',
        current ? 'border-accent' : 'border-transparent',
      )}
    >
      <CommentItem
        entry={root}
        context={context}
        onReply={mayReply ? () => setReplying(true) : undefined}
        replies={replies.length}
      />
      {(replies.length > 0 || replying) && (
        <div className="mt-3 ml-4 space-y-3 border-l border-line pl-5">
          {replies.map((reply) => (
            <CommentItem key={reply.id} entry={reply} context={context} replies={0} />
          ))}
          {replying && <ReplyBox root={root} context={context} onDone={() => setReplying(false)} />}
        </div>
      )}
    </article>
  );
}
