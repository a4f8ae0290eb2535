import { useMemo } from 'react';
import type { Comment } from '@/api';
import type { Playback } from '@/player/playback';
import { Avatar } from '@/ui/Avatar';
import { clock, spokenClock } from '@/ui/format';
import { Ago } from '@/ui/Time';
import { Body } from '@/watch/talk/Body';
import { threadsOf } from '@/watch/talk/threads';

interface Props {
  said: Comment[];
  playback: Playback;
  watchUrl: string;
}

/** What was said, to read and to jump to. One answers on the watch page. */
export function Comments({ said, playback, watchUrl }: Props) {
  const threads = useMemo(
    () => threadsOf(said).filter(({ root }) => root.resolved_at === null),
    [said],
  );
  return (
    <section aria-label="Comments" className="px-3 py-2.5">
      {threads.length === 0 && <p className="py-2 text-sm text-muted">No comments yet.</p>}
      <ul className="divide-y divide-line">
        {threads.map(({ root, replies }) => (
          <li key={root.id} id={`c-${root.id}`} className="py-2.5">
            <Said comment={root} playback={playback} />
            {replies.map((reply) => (
              <div key={reply.id} className="mt-2 ml-4 border-l border-line pl-3">
                <Said comment={reply} playback={playback} />
              </div>
            ))}
          </li>
        ))}
      </ul>
      <p className="pt-1 pb-2 text-sm">
        <a
          href={watchUrl}
          target="_blank"
          rel="noopener"
          className="font-medium text-accent-ink underline underline-offset-2"
        >
          Answer on Meanwhile
        </a>
      </p>
    </section>
  );
}

function Said({ comment, playback }: { comment: Comment; playback: Playback }) {
  return (
    <>
      <div className="flex items-center gap-2">
        <Avatar name={comment.author.name} id={comment.author.id} size="sm" />
        <span className="min-w-0 truncate text-sm font-semibold">{comment.author.name}</span>
        <span className="shrink-0 text-[0.8125rem] text-muted">
          <Ago iso={comment.created_at} />
        </span>
        <span className="grow" />
        {comment.parent_id === null && (
          <button
            type="button"
            aria-label={`Go to ${spokenClock(comment.at_ms)}`}
            onClick={() => playback.seek(comment.at_ms / 1000)}
            className="shrink-0 rounded-md bg-accent-soft px-1.5 py-0.5 text-[0.8125rem] font-semibold text-accent-ink tabular-nums hover:underline pointer-coarse:px-3 pointer-coarse:py-2"
          >
            {clock(comment.at_ms)}
          </button>
        )}
      </div>
      <div className="mt-1 pl-8">
        <Body text={comment.body} playback={playback} />
      </div>
    </>
  );
}
