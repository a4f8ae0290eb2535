import { useSyncExternalStore } from 'react';
import { UploadStore, type UploadItem } from './store';

/** The one store of the application: uploads go on while the person walks from page to page. */
export const uploadStore = new UploadStore();

/** The uploads and what can be done with them. `add` never changes, so it may be passed down. */
export function useUploads(): {
  items: UploadItem[];
  add: (files: File[]) => void;
  pause: (id: string) => void;
  resume: (id: string) => Promise<void>;
  resumeWith: (id: string, file: File) => void;
  cancel: (id: string) => Promise<void>;
  dismiss: (id: string) => void;
} {
  const items = useSyncExternalStore(uploadStore.subscribe, uploadStore.snapshot);
  const { add, pause, resume, resumeWith, cancel, dismiss } = uploadStore;
  return { items, add, pause, resume, resumeWith, cancel, dismiss };
}
