import { type FocusEvent, type KeyboardEvent, useRef } from 'react';
import type { Video } from '@/api';

type Props = {
  video: Video;
  renaming: boolean;
  /** The new title, or null when it stays. */
  onDone: (title: string | null) => void;
};

/** The title: a link, or a line to write in that sits exactly where the link was. */
export function VideoTitle({ video, renaming, onDone }: Props) {
  const done = useRef(false);
  if (!renaming) {
    return (
      <h2 className="line-clamp-2 leading-snug font-medium break-words">
        {video.trashed_at ? video.title : <a href={`/v/${video.slug}`}>{video.title}</a>}
      </h2>
    );
  }
  const finish = (value: string | null) => {
    if (done.current) return; // Escape unmounts the input, which also blurs it.
    done.current = true;
    const title = value?.trim();
    onDone(title && title !== video.title ? title : null);
  };
  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>) => {
    if (event.key === 'Enter') finish(event.currentTarget.value);
    if (event.key === 'Escape') finish(null);
  };
  const begin = (event: FocusEvent<HTMLInputElement>) => {
    done.current = false;
    event.currentTarget.select();
  };
  return (
    <input
      // The person has just asked to write here.
      // eslint-disable-next-line jsx-a11y/no-autofocus
      autoFocus
      aria-label="Title"
      maxLength={200}
      defaultValue={video.title}
      onFocus={begin}
      onKeyDown={onKeyDown}
      onBlur={(event) => finish(event.currentTarget.value)}
      className="-mx-2 -my-1 w-[calc(100%+0.5rem)] rounded-lg border border-edge bg-surface px-2 py-0.75 leading-snug font-medium outline-none focus-visible:border-focus focus-visible:ring-3 focus-visible:ring-focus/25"
    />
  );
}
