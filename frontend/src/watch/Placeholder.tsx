import type { Video } from '@/api';
import { Progress, Spinner } from '@/ui';

/** On the stage while there is nothing to play yet. */
export function Placeholder({ video }: { video: Video }) {
  if (video.state === 'failed') {
    return <p className="max-w-sm text-center text-pretty">This video could not be prepared.</p>;
  }
  const recording = video.state === 'recording';
  return (
    <>
      <Spinner className="size-8" />
      <p role="status" className="max-w-sm text-center text-pretty">
        {video.uploading
          ? 'The file is still on its way. It plays here as soon as it has arrived.'
          : recording
            ? 'The first seconds are on their way. It plays here as soon as they arrive.'
            : 'This video is being prepared. It plays here as soon as its first part is ready.'}
      </p>
      {(!recording || video.uploading) && video.progress > 0 && (
        <Progress value={video.progress} label="Preparing the video" className="w-56" />
      )}
    </>
  );
}
