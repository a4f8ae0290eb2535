import { Download, Ellipsis, Link2, Pencil, SquareCheck, Trash2, UserPlus } from 'lucide-react';
import { useRef } from 'react';
import type { Video } from '@/api';
import { copyWithToast, IconButton, Menu, MenuItem, MenuSeparator } from '@/ui';
import type { VideoActions } from './actions';

type Props = {
  video: Video;
  actions: VideoActions;
  onRename: () => void;
  onShare: () => void;
};

/** Everything else that can be done with a video. */
export function CardMenu({ video, actions, onRename, onShare }: Props) {
  // The menu gives focus back to its button when it closes; only then may something else take it.
  const next = useRef<(() => void) | null>(null);
  return (
    <Menu
      onOpenChange={(opened) => {
        if (opened) next.current = null;
        else if (next.current) setTimeout(next.current);
      }}
      trigger={
        <IconButton label={`Actions for ${video.title}`} size="sm" className="-mt-1.5 -mr-2">
          <Ellipsis aria-hidden className="size-5" />
        </IconButton>
      }
    >
      <MenuItem
        icon={<Link2 aria-hidden />}
        onSelect={() => void copyWithToast(new URL(video.watch_url, location.origin).href)}
      >
        Copy link
      </MenuItem>
      {video.may.download && video.playback.download && (
        <MenuItem asChild>
          <a href={video.playback.download} download>
            <Download aria-hidden className="size-4.5" />
            Download
          </a>
        </MenuItem>
      )}
      {video.may.edit && (
        <OwnerItems
          {...{ video, actions }}
          onRename={() => (next.current = onRename)}
          onShare={() => (next.current = onShare)}
        />
      )}
    </Menu>
  );
}

function OwnerItems({ video, actions, onRename, onShare }: Props) {
  return (
    <>
      <MenuItem icon={<UserPlus aria-hidden />} onSelect={onShare}>
        Share …
      </MenuItem>
      <MenuItem icon={<Pencil aria-hidden />} onSelect={onRename}>
        Rename
      </MenuItem>
      {video.state === 'recording' && (
        <MenuItem icon={<SquareCheck aria-hidden />} onSelect={() => void actions.finish(video)}>
          Finish with what is saved
        </MenuItem>
      )}
      <MenuSeparator />
      <MenuItem danger icon={<Trash2 aria-hidden />} onSelect={() => void actions.trash(video)}>
        Move to trash
      </MenuItem>
    </>
  );
}
