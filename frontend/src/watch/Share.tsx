import {
  ChevronDown,
  Clock,
  Download,
  Link2,
  Lock,
  MoreHorizontal,
  Trash2,
  UserRoundCheck,
  Users,
} from 'lucide-react';
import { messageOf, videos, type Video, type Visibility } from '@/api';
import { linkAt, useSecond, type Playback } from '@/player';
import {
  Button,
  clock,
  copyWithToast,
  IconButton,
  Menu,
  MenuChoice,
  MenuItem,
  MenuLabel,
  MenuSeparator,
  toast,
} from '@/ui';

interface Props {
  video: Video;
  playback: Playback;
  onChange: (video: Video) => void;
}

interface Kind {
  label: string;
  /** On the button, where room is short. */
  short: string;
  hint: string;
  Icon: typeof Lock;
}

const VISIBILITY: Record<Visibility, Kind> = {
  private: {
    label: 'Only me',
    short: 'Only me',
    hint: 'Nobody else can open the link',
    Icon: Lock,
  },
  people: {
    label: 'Named people',
    short: 'Named people',
    hint: 'Only the people you name',
    Icon: UserRoundCheck,
  },
  workspace: {
    label: 'Everybody in the workspace',
    short: 'Workspace',
    hint: 'And the people you name',
    Icon: Users,
  },
  link: { label: 'Anyone with the link', short: 'Anyone', hint: 'No account needed', Icon: Link2 },
};

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

function Who({ video, onChange }: Pick<Props, 'video' | 'onChange'>) {
  const { Icon, label, short } = VISIBILITY[video.visibility];
  const update = async (change: { visibility?: Visibility; guests_may_comment?: boolean }) => {
    onChange({ ...video, ...change });
    try {
      onChange(await videos.update(video.id, change));
    } catch (error) {
      onChange(video);
      toast.error(messageOf(error));
    }
  };
  return (
    <Menu
      trigger={
        <Button size="sm" aria-label={`Who may watch: ${label}`}>
          <Icon aria-hidden className="size-4" />
          {short}
          <ChevronDown aria-hidden className="size-4 text-muted" />
        </Button>
      }
    >
      <MenuLabel>Who may watch</MenuLabel>
      <MenuChoice
        value={video.visibility}
        onChange={(visibility) => void update({ visibility })}
        options={(Object.keys(VISIBILITY) as Visibility[]).map((value) => ({
          value,
          label: VISIBILITY[value].label,
          hint: VISIBILITY[value].hint,
        }))}
      />
      {video.visibility === 'link' && (
        <>
          <MenuSeparator />
          <MenuLabel>Who may comment</MenuLabel>
          <MenuChoice
            value={video.guests_may_comment ? 'guests' : 'members'}
            onChange={(who) => void update({ guests_may_comment: who === 'guests' })}
            options={[
              { value: 'members', label: 'Everybody signed in' },
              { value: 'guests', label: 'Guests too', hint: 'They give a name first' },
            ]}
          />
        </>
      )}
    </Menu>
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
