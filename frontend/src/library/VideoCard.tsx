import { Eye, Link2, Lock, MessageSquare, UserRoundCheck } from 'lucide-react';
import { lazy, Suspense, useState } from 'react';
import type { Video } from '@/api';
import { Ago, Avatar, Badge, Button, Confirm, count, plural } from '@/ui';
import type { VideoActions } from './actions';
import { CardMenu } from './CardMenu';
import { Poster } from './Poster';
import { VideoTitle } from './VideoTitle';

const ShareDialog = lazy(async () => ({
  default: (await import('@/share/ShareDialog')).ShareDialog,
}));

type Props = { video: Video; actions: VideoActions };

/** One video of the library. */
export function VideoCard({ video, actions }: Props) {
  const [renaming, setRenaming] = useState(false);
  const [sharing, setSharing] = useState<boolean | null>(null);
  const trashed = Boolean(video.trashed_at);
  return (
    <article aria-label={video.title} className="group/card relative">
      <Poster video={video} />
      <div className="mt-3 flex items-start gap-1">
        <div className="min-w-0 grow">
          <VideoTitle
            video={video}
            renaming={renaming}
            onDone={(title) => {
              setRenaming(false);
              if (title) void actions.rename(video, title);
            }}
          />
          <Meta video={video} />
        </div>
        {!trashed && (
          <CardMenu
            video={video}
            actions={actions}
            onRename={() => setRenaming(true)}
            onShare={() => setSharing(true)}
          />
        )}
      </div>
      {sharing !== null && (
        <Suspense>
          <ShareDialog
            video={video}
            open={sharing}
            onOpenChange={setSharing}
            onChange={actions.show}
          />
        </Suspense>
      )}
      <Trouble video={video} actions={actions} />
      {trashed && <InTrash video={video} actions={actions} />}
    </article>
  );
}

function InTrash({ video, actions }: Props) {
  const [asking, setAsking] = useState(false);
  return (
    <div className="mt-3 flex gap-2">
      <Button size="sm" onClick={() => void actions.restore(video)}>
        Restore
      </Button>
      <Button size="sm" onClick={() => setAsking(true)}>
        Delete for good
      </Button>
      <Confirm
        open={asking}
        onOpenChange={setAsking}
        title="Delete this video for good?"
        verb="Delete for good"
        onConfirm={() => {
          setAsking(false);
          void actions.remove(video);
        }}
      >
        “{video.title}” and all that was said about it cannot be brought back.
      </Confirm>
    </div>
  );
}

// Always two lines, so that the rows of the grid stay even.
function Meta({ video }: { video: Video }) {
  return (
    <div className="mt-1.5 flex items-center gap-2.5 text-[0.8125rem] leading-5 text-muted">
      <Avatar name={video.owner.name} id={video.owner.id} />
      <div className="min-w-0">
        <p className="truncate">{video.owner.name}</p>
        <p className="flex items-center gap-3 whitespace-nowrap">
          <Ago iso={video.trashed_at ?? video.created_at} />
          <Count n={video.views} word="view" Icon={Eye} />
          {video.comments > 0 && <Count n={video.comments} word="comment" Icon={MessageSquare} />}
          <Visible video={video} />
        </p>
      </div>
    </div>
  );
}

function Count({ n, word, Icon }: { n: number; word: string; Icon: typeof Eye }) {
  return (
    <span className="flex items-center gap-1" title={plural(n, word)}>
      <Icon aria-hidden className="size-3.5" />
      <span aria-hidden>{count(n)}</span>
      <span className="sr-only">{plural(n, word)}</span>
    </span>
  );
}

const marks = {
  private: [Lock, 'Only you can see it'],
  people: [UserRoundCheck, 'Only named people can see it'],
  link: [Link2, 'Anyone with the link can see it'],
} as const;

// What the workspace sees is the default and needs no mark.
function Visible({ video }: { video: Video }) {
  if (video.visibility === 'workspace') return null;
  const [Icon, said] = marks[video.visibility];
  return (
    <span title={said}>
      <Icon aria-hidden className="size-3.5" />
      <span className="sr-only">{said}</span>
    </span>
  );
}

function Trouble({ video, actions }: Props) {
  const playable = video.playback.hls !== null || video.playback.progressive !== null;
  if (video.state !== 'failed' || (playable && !video.may.edit)) return null;
  return (
    <div className="mt-2.5">
      <div className="flex min-h-8 items-center justify-between gap-2">
        <Badge tone={playable ? 'warn' : 'danger'}>{playable ? 'Original only' : 'Failed'}</Badge>
        {video.retryable && (
          <Button size="sm" onClick={() => void actions.retry(video)}>
            Try again
          </Button>
        )}
      </div>
      <p className="mt-1.5 line-clamp-3 text-[0.8125rem] text-pretty text-muted">
        {video.reason || 'It could not be prepared for watching.'}
      </p>
    </div>
  );
}
