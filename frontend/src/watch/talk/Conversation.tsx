import { useId, useMemo, useState } from 'react';
import type { Account, Video } from '@/api';
import { useSecond, type Playback } from '@/player';
import { Button, Notice, Skeleton } from '@/ui';
import { Composer } from './Composer';
import { Empty } from './Empty';
import { FilterTabs } from './FilterTabs';
import { Newcomers } from './Newcomers';
import { filtered, threadAt, threadsOf, type Filter } from './threads';
import { ThreadList } from './ThreadList';
import type { Talk } from './useConversation';
import type { Reveal } from './useReveal';

interface Props {
  video: Video;
  playback: Playback;
  talk: Talk;
  account: Account | null;
  reveal: Reveal;
}

/** What people say about the video, by the second they say it about. */
export function Conversation({ video, playback, talk, account, reveal }: Props) {
  const heading = useId();
  const [asked, setFilter] = useState<Filter>('open');
  const threads = useMemo(() => threadsOf(talk.entries), [talk.entries]);
  const resolvedCount = useMemo(() => filtered(threads, 'resolved').length, [threads]);
  const revealed = threads.find(({ root, replies }) =>
    [root, ...replies].some(({ id }) => id === reveal.id),
  );
  const filter = revealed
    ? revealed.root.resolved_at
      ? 'resolved'
      : 'open'
    : resolvedCount === 0
      ? 'open'
      : asked;
  const shown = useMemo(() => filtered(threads, filter), [threads, filter]);
  const second = useSecond(playback);
  const current = threadAt(shown, second);

  return (
    <section
      aria-labelledby={heading}
      className="flex h-full flex-col overflow-clip border-line bg-surface max-lg:border-t lg:rounded-2xl lg:border lg:shadow-card"
    >
      <div className="flex min-h-14 items-center gap-2 px-4 pt-2">
        <h2 id={heading} className="grow font-semibold">
          Comments
          {talk.loaded && threads.length > 0 && (
            <span className="ml-2 font-normal text-muted tabular-nums">{talk.entries.length}</span>
          )}
        </h2>
        {resolvedCount > 0 && (
          <FilterTabs
            filter={filter}
            onChange={(next) => {
              reveal.done();
              setFilter(next);
            }}
            open={threads.length - resolvedCount}
            resolved={resolvedCount}
          />
        )}
      </div>
      <Composer video={video} playback={playback} account={account} onSend={talk.send} />
      <Newcomers entries={talk.entries} onShow={reveal.show} />
      {talk.problem && (
        <div className="px-4 pt-3">
          <Notice
            tone="danger"
            action={
              <Button size="sm" onClick={() => void talk.reload()}>
                Try again
              </Button>
            }
          >
            {talk.problem}
          </Notice>
        </div>
      )}
      {!talk.loaded && !talk.problem && <Loading />}
      {talk.loaded && shown.length === 0 && (
        <Empty filter={filter} all={threads.length} mayComment={video.may.comment} />
      )}
      <ThreadList
        threads={shown}
        current={current}
        reveal={reveal}
        context={{ video, playback, talk, account }}
      />
    </section>
  );
}

function Loading() {
  return (
    <div className="space-y-5 px-4 py-5" role="status" aria-label="Loading comments">
      {[0, 1, 2].map((n) => (
        <div key={n} className="flex gap-3">
          <Skeleton className="size-8 rounded-full" />
          <div className="grow space-y-2">
            <Skeleton className="h-3.5 w-32" />
            <Skeleton className="h-3.5 w-full" />
          </div>
        </div>
      ))}
    </div>
  );
}
