import { ChevronDown, ChevronUp } from 'lucide-react';
import { useState } from 'react';
import { IconButton, plural, Progress } from '@/ui';
import type { UploadItem } from './store';
import { UploadRow } from './UploadRow';
import { usePageWatch } from './usePageWatch';
import { useUploads } from './useUploads';

/** The uploads of the whole application, in a corner that stays while pages change. Nothing when there are none. */
export function UploadPanel() {
  usePageWatch();
  const { items } = useUploads();
  const [folded, setFolded] = useState(false);
  if (items.length === 0) return null;
  const Icon = folded ? ChevronUp : ChevronDown;
  return (
    <section
      aria-label="Uploads"
      className="fixed inset-x-3 bottom-3 z-30 animate-rise overflow-hidden rounded-2xl border border-line bg-raised shadow-float sm:left-auto sm:w-96"
    >
      <div className="flex items-center gap-3 py-2 pr-2 pl-4">
        <h2 role="status" className="min-w-0 grow truncate text-sm font-semibold">
          {summary(items)}
        </h2>
        <IconButton
          label={folded ? 'Show uploads' : 'Fold uploads'}
          aria-expanded={!folded}
          size="sm"
          onClick={() => setFolded(!folded)}
        >
          <Icon aria-hidden className="size-5" />
        </IconButton>
      </div>
      {folded ? (
        <Progress className="rounded-none" value={total(items)} label="All uploads" />
      ) : (
        <ul className="max-h-[min(24rem,50dvh)] divide-y divide-line overflow-y-auto border-t border-line">
          {items.map((item) => (
            <UploadRow key={item.id} item={item} />
          ))}
        </ul>
      )}
    </section>
  );
}

/** One line about all of them. */
export function summary(items: UploadItem[]): string {
  const open = items.filter((i) => i.state === 'sending' || i.state === 'queued');
  const failed = items.filter((i) => i.state === 'failed').length;
  const waiting = items.filter((i) => i.state === 'paused' || i.state === 'file-needed').length;
  if (open.length > 0)
    return `Uploading ${plural(open.length, 'file')}, ${Math.floor(total(open) * 100)} %`;
  if (failed > 0) return `${plural(failed, 'file')} not uploaded`;
  if (waiting > 0) return `${plural(waiting, 'upload')} waiting`;
  return `${plural(items.length, 'file')} uploaded`;
}

function total(items: UploadItem[]): number {
  const bytes = items.reduce((sum, i) => sum + i.size, 0);
  return bytes > 0 ? items.reduce((sum, i) => sum + i.sent, 0) / bytes : 1;
}
