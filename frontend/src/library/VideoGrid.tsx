import type { Video } from '@/api';
import { Skeleton } from '@/ui';
import { useVideoActions } from './actions';
import { VideoCard } from './VideoCard';

const grid =
  'grid grid-cols-[repeat(auto-fill,minmax(min(100%,17rem),1fr))] gap-x-6 gap-y-8 sm:gap-y-10';

export function VideoGrid({ videos }: { videos: Video[] }) {
  const actions = useVideoActions();
  return (
    <ul className={grid}>
      {videos.map((video) => (
        <li key={video.id} className="min-w-0">
          <VideoCard video={video} actions={actions} />
        </li>
      ))}
    </ul>
  );
}

/** The grid before its first answer, in the sizes of the real one. */
export function GridSkeleton() {
  return (
    <div role="status">
      <span className="sr-only">Loading videos</span>
      <div className={grid}>
        {Array.from({ length: 8 }, (_, index) => (
          <div key={index}>
            <Skeleton className="aspect-video rounded-2xl" />
            <Skeleton className="mt-4 h-4.5 w-4/5" />
            <Skeleton className="mt-3.5 h-8 w-1/2" />
          </div>
        ))}
      </div>
    </div>
  );
}
