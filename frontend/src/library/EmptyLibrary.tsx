import { Link } from '@tanstack/react-router';
import { SearchX, Trash2, UserRoundCheck, Video } from 'lucide-react';
import { useMyWorkspace, useWorkspace, type VideoFilter } from '@/api';
import { Button, EmptyState } from '@/ui';
import { PickFiles } from './PickFiles';

type Props = { show: VideoFilter; q: string; onPick: (files: File[]) => void };

/** Nothing to show, for each reason in its own words. */
export function EmptyLibrary({ show, q, onPick }: Props) {
  const { mayRecord } = useMyWorkspace();
  const trashDays = useWorkspace().data?.limits.trash_days ?? 30;
  if (q) {
    return (
      <EmptyState
        picture={<SearchX aria-hidden />}
        title="No title matches"
        action={
          <Button asChild>
            <Link to="/" search={{ show }}>
              Clear search
            </Link>
          </Button>
        }
      >
        Try fewer or other words.
      </EmptyState>
    );
  }
  if (show === 'trash') {
    return (
      <EmptyState picture={<Trash2 aria-hidden />} title="The trash is empty">
        What you delete waits here for {trashDays} days and can be restored with a click.
      </EmptyState>
    );
  }
  if (show === 'shared') {
    return (
      <EmptyState picture={<UserRoundCheck aria-hidden />} title="Nothing is shared with you yet">
        When somebody names you for a video, it stands here, whichever workspace it is in.
      </EmptyState>
    );
  }
  if (!mayRecord) {
    return (
      <EmptyState picture={<Video aria-hidden />} title="Nothing to watch yet">
        What the others of your workspace record stands here. You watch and comment; to record, ask
        an admin to make you a member.
      </EmptyState>
    );
  }
  return (
    <EmptyState
      picture={<Video aria-hidden />}
      title="Show it once, instead of meeting about it"
      action={
        <>
          <Button tone="primary" asChild>
            <Link to="/record">
              <Video aria-hidden className="size-4.5" />
              {show === 'mine' ? 'Make a recording' : 'Make the first recording'}
            </Link>
          </Button>
          <PickFiles onPick={onPick} size="md" />
        </>
      }
    >
      Record your screen, camera and voice. The link is ready when you press Stop, and everyone
      answers at the second that matters, in their own time. Or drop a video file anywhere here.
    </EmptyState>
  );
}
