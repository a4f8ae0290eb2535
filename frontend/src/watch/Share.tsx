import { Clock, Download, Link2, MoreHorizontal, Trash2 } from 'lucide-react';
import { lazy, Suspense, useState } from 'react';
import { messageOf, videos, type Video } from '@/api';
import { linkAt, useSecond, type Playback } from '@/player';
import { VISIBILITY } from '@/share/audience';
import {
  Button,
  clock,
  copyWithToast,
  IconButton,
  Menu,
  MenuItem,
  MenuSeparator,
  toast,
} from '@/ui';

interface Props {
  video: Video;
  playback: Playback;
  onChange: (video: Video) => void;
}

const ShareDialog = lazy(async () => ({
  default: (await import('@/share/ShareDialog')).ShareDialog,
}));

/** Who may watch, the link, and the rest. */
export function Share({ video, playback, onChange }: Props) {
  const url = new URL(video.watch_url, location.origin).toString();
  return (
    <div className="flex flex-wrap items-center gap-2">
      {video.may.edit && <Who video={video} onChange={onChange} />}
      <Button tone="primary" size="sm" onClick={() => void copyWithToast(url)}>
        <Link2 aria-hidden className="size-4.5" />
        Copy link
      </Button>
      <More video={video} playback={playback} url={url} />
    </div>
  );
}

// The button says how it stands; the dialog comes only when somebody wants it.
function Who({ video, onChange }: Pick<Props, 'video' | 'onChange'>) {
  const [open, setOpen] = useState(false);
  const [wanted, setWanted] = useState(false);
  const { Icon, label, short } = VISIBILITY[video.visibility];
  return (
    <>
      <Button
        size="sm"
        aria-haspopup="dialog"
        aria-label={`Share. Who may watch: ${label}`}
        onClick={() => {
          setWanted(true);
          setOpen(true);
        }}
      >
        <Icon aria-hidden className="size-4" />
        {short}
      </Button>
      {wanted && (
        <Suspense>
          <ShareDialog video={video} open={open} onOpenChange={setOpen} onChange={onChange} />
        </Suspense>
      )}
    </>
  );
}

function More({ video, playback, url }: { video: Video; playback: Playback; url: string }) {
  return (
    <Menu
      trigger={
        <IconButton label="More" size="sm" tone="secondary">
          <MoreHorizontal aria-hidden className="size-5" />
        </IconButton>
      }
    >
      <LinkHere playback={playback} url={url} />
      {video.may.download && video.playback.download && (
        <MenuItem asChild>
          <a href={video.playback.download} download>
            <Download aria-hidden className="size-4.5" />
            Download
          </a>
        </MenuItem>
      )}
      {video.may.edit && (
        <>
          <MenuSeparator />
          <MenuItem danger icon={<Trash2 aria-hidden />} onSelect={() => void trash(video)}>
            Move to trash
          </MenuItem>
        </>
      )}
    </Menu>
  );
}

function LinkHere({ playback, url }: { playback: Playback; url: string }) {
  const second = useSecond(playback);
  return (
    <MenuItem
      icon={<Clock aria-hidden />}
      onSelect={() =>
        void copyWithToast(linkAt(url, second), `Link at ${clock(second * 1000)} copied`)
      }
    >
      Copy link at {clock(second * 1000)}
    </MenuItem>
  );
}

// The library is where it can be taken back.
async function trash(video: Video): Promise<void> {
  try {
    await videos.trash(video.id);
    location.assign('/');
  } catch (error) {
    toast.error(messageOf(error));
  }
}
