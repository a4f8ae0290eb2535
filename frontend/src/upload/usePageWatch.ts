import { useEffect } from 'react';
import { uploadStore } from './useUploads';

type HandleItem = DataTransferItem & {
  getAsFileSystemHandle?: () => Promise<FileSystemHandle | null>;
};

/** What the store needs from the page: earlier uploads, handles of dropped files, and a word before leaving. */
export function usePageWatch(): void {
  useEffect(() => {
    void uploadStore.recall();
    const stop = new AbortController();
    window.addEventListener('beforeunload', guard, { signal: stop.signal });
    window.addEventListener('drop', keepHandles, { signal: stop.signal, capture: true });
    return () => stop.abort();
  }, []);
}

function guard(event: BeforeUnloadEvent): void {
  if (uploadStore.busy) event.preventDefault();
}

/** Handles can only be asked for during the drop itself. */
function keepHandles(event: DragEvent): void {
  for (const item of event.dataTransfer?.items ?? []) {
    if (item.kind !== 'file') continue;
    (item as HandleItem)
      .getAsFileSystemHandle?.()
      .then((handle) => {
        if (handle?.kind === 'file') return uploadStore.offerHandle(handle as FileSystemFileHandle);
      })
      .catch(() => undefined);
  }
}
