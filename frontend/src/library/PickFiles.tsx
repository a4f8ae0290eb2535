import { Upload } from 'lucide-react';
import { useRef } from 'react';
import { Button } from '@/ui';

// Names as well as types: browsers know no type for some containers and would grey those files out.
const accept = 'video/*,audio/*,.mkv,.mov,.avi,.webm,.mp4,.m4v,.m4a,.ts,.flv,.wmv,.ogg,.opus';

/** Opens the system's file dialogue, for those who do not drag. */
export function PickFiles({
  onPick,
  size = 'sm',
}: {
  onPick: (files: File[]) => void;
  size?: 'sm' | 'md';
}) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        aria-label="Video files"
        accept={accept}
        onChange={(event) => {
          onPick([...(event.target.files ?? [])]);
          event.target.value = ''; // The same file may be chosen again after a failure.
        }}
      />
      <Button size={size} onClick={() => input.current?.click()}>
        <Upload aria-hidden className="size-4" />
        Upload
      </Button>
    </>
  );
}
