import clsx from 'clsx';
import { type ReactNode, useEffect, useRef } from 'react';
import { useSnapshot } from './recorder-context';

/** What is being recorded, live; the camera alone is shown as a mirror, as people know themselves. */
export function Preview({ children }: { children?: ReactNode }) {
  const { preview, state } = useSnapshot();
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    if (video.current) video.current.srcObject = preview;
  }, [preview]);
  const mirrored = 'mode' in state && state.mode === 'camera';
  return (
    <div className="relative aspect-video overflow-hidden rounded-2xl bg-black shadow-lift">
      <video
        ref={video}
        autoPlay
        muted
        playsInline
        aria-label="Live preview"
        className={clsx('size-full object-contain', mirrored && '-scale-x-100')}
      />
      {children}
    </div>
  );
}
