import { Upload } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';

/** Takes files dropped anywhere on the page, and says so while they hang over it. */
export function DropZone({ onDrop }: { onDrop: (files: File[]) => void }) {
  const over = useFileDrop(onDrop);
  if (!over) return null;
  return (
    <div className="pointer-events-none fixed inset-0 z-40 animate-fade bg-canvas/80 p-4 backdrop-blur-sm sm:p-8">
      <div className="grid h-full place-items-center rounded-3xl border-2 border-dashed border-accent">
        <div className="text-center">
          <div className="mx-auto mb-5 grid size-16 place-items-center rounded-2xl bg-accent-soft text-accent-ink">
            <Upload aria-hidden className="size-7" />
          </div>
          <p className="text-xl font-semibold">Drop to upload</p>
          <p className="mt-1 text-muted">Any video or sound file, as many as you like</p>
        </div>
      </div>
    </div>
  );
}

/** Whether files hang over the window. */
function useFileDrop(onDrop: (files: File[]) => void): boolean {
  const [over, setOver] = useState(false);
  const drop = useRef(onDrop);
  useEffect(() => {
    drop.current = onDrop;
  });
  useEffect(() => {
    let depth = 0; // Entering a child comes before leaving its parent.
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false;
    const enter = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      depth += 1;
      setOver(true);
    };
    const stay = (event: DragEvent) => {
      if (hasFiles(event)) event.preventDefault();
    };
    const leave = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      depth = Math.max(0, depth - 1);
      if (depth === 0) setOver(false);
    };
    const fall = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      depth = 0;
      setOver(false);
      const files = [...(event.dataTransfer?.files ?? [])];
      if (files.length > 0) drop.current(files);
    };
    const stop = new AbortController();
    const { signal } = stop;
    window.addEventListener('dragenter', enter, { signal });
    window.addEventListener('dragover', stay, { signal });
    window.addEventListener('dragleave', leave, { signal });
    window.addEventListener('drop', fall, { signal });
    return () => stop.abort();
  }, []);
  return over;
}
