import { useState } from 'react';
import { messageOf, videos, type Video } from '@/api';
import { Button, date, Notice, toast } from '@/ui';

interface Props {
  video: Video;
  onChange: (video: Video) => void;
}

const stopped: Record<Video['stopped_by'], string> = {
  '': '',
  storage: 'The storage of the workspace was full, so this ends where it does.',
  size: 'This reached the largest upload that the workspace allows, and ends there.',
  length: 'This reached the longest video that the workspace allows, and ends there.',
};

/** What the rules of the workspace did to a video, or will do; for those who may change it. */
export function Fate({ video, onChange }: Props) {
  const [busy, setBusy] = useState(false);
  const keep = async () => {
    setBusy(true);
    try {
      onChange(await videos.update(video.id, { kept: true }));
      toast.success('It stays');
    } catch (error) {
      toast.error(messageOf(error));
    } finally {
      setBusy(false);
    }
  };
  if (!video.may.edit) return null;
  return (
    <div className="mb-4 grid gap-3 empty:hidden">
      {video.stopped_by && <Notice tone="warn">{stopped[video.stopped_by]}</Notice>}
      {video.removal_at && (
        <Notice
          tone="warn"
          action={
            <Button size="sm" busy={busy} onClick={() => void keep()}>
              Keep it
            </Button>
          }
        >
          Nobody has watched this for long. It goes to the trash on {date(video.removal_at)} unless
          somebody watches it, or you keep it.
        </Notice>
      )}
    </div>
  );
}
