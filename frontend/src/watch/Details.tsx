import { plural, Ago, Avatar } from '@/ui';
import type { Video } from '@/api';
import type { Playback } from '@/player';
import { Banner } from './Banner';
import { Fate } from './Fate';
import { Share } from './Share';
import { Title } from './Title';

interface Props {
  video: Video;
  playback: Playback;
  /** Takes the video as the server answered it. */
  onChange: (video: Video) => void;
}

/** Below the picture: what it is, whose, and what to do with it. */
export function Details({ video, playback, onChange }: Props) {
  return (
    <div className="px-4 pt-4 pb-6 sm:px-0">
      <Banner video={video} playback={playback} onChange={onChange} />
      <Fate video={video} onChange={onChange} />
      <Title video={video} onChange={onChange} />
      <div className="mt-2 flex flex-wrap items-center justify-between gap-x-6 gap-y-4">
        <div className="flex min-w-0 items-center gap-3">
          <Avatar name={video.owner.name} id={video.owner.id} />
          <div className="min-w-0 text-sm">
            <p className="truncate font-medium">{video.owner.name}</p>
            <p className="text-muted">
              <Ago iso={video.created_at} />
              {' · '}
              {plural(video.views, 'view')}
            </p>
          </div>
        </div>
        <Share video={video} playback={playback} onChange={onChange} />
      </div>
    </div>
  );
}
