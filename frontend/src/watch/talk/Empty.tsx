import { CheckCheck, MessageCircle } from 'lucide-react';
import type { Filter } from './threads';

/** No comments to show, and what that means. */
export function Empty(props: { filter: Filter; all: number; mayComment: boolean }) {
  const allDone = props.filter === 'open' && props.all > 0;
  const Icon = allDone ? CheckCheck : MessageCircle;
  return (
    <div className="grid grow place-content-center place-items-center gap-1.5 px-8 py-12 text-center">
      <span className="mb-2 grid size-12 place-items-center rounded-2xl bg-accent-soft text-accent-ink">
        <Icon aria-hidden className="size-6" />
      </span>
      <p className="font-medium">{allDone ? 'Everything is resolved' : 'Be the first to answer'}</p>
      <p className="max-w-64 text-sm text-pretty text-muted">
        {allDone
          ? 'Resolved comments are a click away, and can be opened again.'
          : props.mayComment
            ? 'Start typing while it plays: your words stay with the second you are watching.'
            : 'Comments appear here, each at its second of the video.'}
      </p>
    </div>
  );
}
