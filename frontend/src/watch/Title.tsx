import { Pencil } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { messageOf, videos, type Video } from '@/api';
import { IconButton, toast } from '@/ui';

const LONGEST = 200;

/** The title; who may edit clicks it, types, and presses Enter. */
export function Title({ video, onChange }: { video: Video; onChange: (video: Video) => void }) {
  const [editing, setEditing] = useState(false);
  useEffect(() => {
    document.title = `${video.title} · Meanwhile`;
  }, [video.title]);

  const save = async (title: string) => {
    setEditing(false);
    const before = video.title;
    if (title === '' || title === before) return;
    onChange({ ...video, title });
    try {
      onChange(await videos.update(video.id, { title }));
    } catch (error) {
      onChange({ ...video, title: before });
      toast.error(messageOf(error));
    }
  };
  if (editing) return <Editor title={video.title} onDone={(title) => void save(title)} />;
  return (
    <div className="flex items-start gap-2">
      <h1 className="min-w-0 py-1 text-wrap text-xl leading-snug font-semibold wrap-anywhere sm:text-2xl">
        {video.title}
      </h1>
      {video.may.edit && (
        <IconButton label="Rename" size="sm" onClick={() => setEditing(true)}>
          <Pencil aria-hidden className="size-4" />
        </IconButton>
      )}
    </div>
  );
}

function Editor({ title, onDone }: { title: string; onDone: (title: string) => void }) {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.select(), []);
  const done = (text: string) => onDone(text.trim());
  return (
    <input
      ref={field}
      aria-label="Title"
      defaultValue={title}
      maxLength={LONGEST}
      className="block w-full rounded-xl border border-edge bg-surface px-3 py-0.5 text-xl leading-snug font-semibold outline-none focus-visible:border-focus focus-visible:ring-3 focus-visible:ring-focus/25 sm:text-2xl"
      onBlur={(event) => done(event.target.value)}
      onKeyDown={(event) => {
        if (event.nativeEvent.isComposing) return;
        if (event.key === 'Enter') done(event.currentTarget.value);
        if (event.key === 'Escape') onDone(title);
      }}
    />
  );
}
