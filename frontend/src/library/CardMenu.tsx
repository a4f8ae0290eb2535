import { Download, Ellipsis, Link2, Pencil, SquareCheck, Trash2 } from 'lucide-react';
import { useRef } from 'react';
import type { Video, Visibility } from '@/api';
import {
  copyWithToast,
  IconButton,
  Menu,
  MenuChoice,
  MenuItem,
  MenuLabel,
  MenuSeparator,
} from '@/ui';
import type { VideoActions } from './actions';

const who: { value: Visibility; label: string; hint: string }[] = [
  { value: 'private', label: 'Only me', hint: 'Nobody else, link or not' },
  { value: 'people', label: 'Named people', hint: 'Only the people you name' },
  { value: 'workspace', label: 'Everybody in the workspace', hint: 'And the people you name' },
  { value: 'link', label: 'Anyone with the link', hint: 'No account needed' },
];

type Props = { video: Video; actions: VideoActions; onRename: () => void };

/** Everything else that can be done with a video. */
export function CardMenu({ video, actions, onRename }: Props) {
  const rename = useRef(false);
  const open = () => {
    rename.current = false;
  };
  return (
    <Menu
      onOpenChange={(opened) => {
        if (opened) open();
        // The menu gives focus back to its button when it closes; only then may the title take it.
        else if (rename.current) setTimeout(onRename);
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
        <OwnerItems {...{ video, actions }} onRename={() => (rename.current = true)} />
      )}
    </Menu>
  );
}

function OwnerItems({ video, actions, onRename }: Props) {
  return (
    <>
      <MenuItem icon={<Pencil aria-hidden />} onSelect={onRename}>
        Rename
      </MenuItem>
      {video.state === 'recording' && (
        <MenuItem icon={<SquareCheck aria-hidden />} onSelect={() => void actions.finish(video)}>
          Finish with what is saved
        </MenuItem>
      )}
      <MenuSeparator />
      <MenuLabel>Who can watch</MenuLabel>
      <MenuChoice
        value={video.visibility}
        onChange={(visibility) => void actions.setVisibility(video, visibility)}
        options={who}
      />
      <MenuSeparator />
      <MenuItem danger icon={<Trash2 aria-hidden />} onSelect={() => void actions.trash(video)}>
        Move to trash
      </MenuItem>
    </>
  );
}
