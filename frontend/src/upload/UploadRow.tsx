import { Check, CircleAlert, ExternalLink, Pause, Play, X } from 'lucide-react';
import { useRef, useState } from 'react';
import { Button, bytes, Confirm, IconButton, Progress } from '@/ui';
import type { UploadItem } from './store';
import { useUploads } from './useUploads';

/** One file on its way. */
export function UploadRow({ item }: { item: UploadItem }) {
  const open = item.state !== 'done' && item.state !== 'failed';
  return (
    <li className="px-4 py-3">
      <div className="flex items-center gap-2">
        <div className="min-w-0 grow">
          <p className="truncate text-sm font-medium" title={item.name}>
            {item.name}
          </p>
          <p className="text-xs text-muted tabular-nums">{status(item)}</p>
        </div>
        <Actions item={item} />
      </div>
      {open && (
        <Progress
          className="mt-2"
          value={item.size ? item.sent / item.size : 0}
          label={item.name}
        />
      )}
      {item.message && (
        <p
          role={item.state === 'failed' ? 'alert' : 'status'}
          className={`mt-2 text-xs ${item.state === 'failed' ? 'text-danger' : 'text-warn'}`}
        >
          {item.message}
        </p>
      )}
    </li>
  );
}

function status({ state, sent, size }: UploadItem): string {
  switch (state) {
    case 'queued':
      return `Waiting · ${bytes(size)}`;
    case 'sending':
      return `${bytes(sent)} of ${bytes(size)}`;
    case 'paused':
      return `Paused at ${bytes(sent)} of ${bytes(size)}`;
    case 'file-needed':
      return `Interrupted · ${bytes(size)}`;
    case 'done':
      return `Uploaded · ${bytes(size)}`;
    case 'failed':
      return 'Not uploaded';
  }
}

function Actions({ item }: { item: UploadItem }) {
  const { pause, dismiss } = useUploads();
  if (item.state === 'done' || item.state === 'failed') {
    const Icon = item.state === 'done' ? Check : CircleAlert;
    return (
      <>
        <Icon
          aria-hidden
          className={item.state === 'done' ? 'size-5 text-accent' : 'size-5 text-danger'}
        />
        {item.slug && (
          <Button size="sm" asChild>
            <a href={`/v/${item.slug}`}>
              <ExternalLink aria-hidden className="size-4" />
              Open
            </a>
          </Button>
        )}
        <IconButton label={`Put ${item.name} away`} size="sm" onClick={() => dismiss(item.id)}>
          <X aria-hidden className="size-4.5" />
        </IconButton>
      </>
    );
  }
  return (
    <>
      {item.state === 'sending' || item.state === 'queued' ? (
        <IconButton label={`Pause ${item.name}`} size="sm" onClick={() => pause(item.id)}>
          <Pause aria-hidden className="size-4.5" />
        </IconButton>
      ) : (
        <Resume item={item} />
      )}
      <Cancel item={item} />
    </>
  );
}

/** Goes on by itself where it can, else by having the same file chosen again. */
function Resume({ item }: { item: UploadItem }) {
  const { resume, resumeWith } = useUploads();
  const input = useRef<HTMLInputElement>(null);
  const pick = item.state === 'file-needed' && !item.reopenable;
  return (
    <>
      <input
        ref={input}
        type="file"
        hidden
        aria-label={`Choose ${item.name} again`}
        onChange={(event) => {
          const file = event.target.files?.[0];
          if (file) resumeWith(item.id, file);
          event.target.value = '';
        }}
      />
      <IconButton
        label={pick ? `Choose ${item.name} again to go on` : `Resume ${item.name}`}
        size="sm"
        onClick={() => (pick ? input.current?.click() : void resume(item.id))}
      >
        <Play aria-hidden className="size-4.5" />
      </IconButton>
    </>
  );
}

function Cancel({ item }: { item: UploadItem }) {
  const { cancel } = useUploads();
  const [asking, setAsking] = useState(false);
  return (
    <>
      <IconButton label={`Cancel ${item.name}`} size="sm" onClick={() => setAsking(true)}>
        <X aria-hidden className="size-4.5" />
      </IconButton>
      <Confirm
        open={asking}
        onOpenChange={setAsking}
        title="Cancel this upload?"
        verb="Cancel upload"
        onConfirm={() => void cancel(item.id)}
      >
        What has arrived of “{item.name}” goes to the trash. Your file stays where it is.
      </Confirm>
    </>
  );
}
