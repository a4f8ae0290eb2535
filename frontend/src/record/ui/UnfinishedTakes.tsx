import { Download, Trash2, Upload } from 'lucide-react';
import { useCallback, useEffect, useState } from 'react';
import { Ago, Button, bytes, clock, Confirm, IconButton, Notice, Progress } from '@/ui';
import { discardTake, download, fileName, finishTake } from '../recovery';
import { Takes, type LeftTake } from '../spool/takes';
import type { UplinkView } from '../uplink/uplink';

/**
 * Recordings a closed or killed tab left in this browser: finish, download or discard. Shows nothing when there are
 * none, so it may stand on any page.
 */
export function UnfinishedTakes({ className }: { className?: string }) {
  const [takes] = useState(() => new Takes());
  const [left, setLeft] = useState<LeftTake[]>([]);
  const refresh = useCallback(() => {
    takes.left().then(setLeft, () => setLeft([]));
  }, [takes]);
  useEffect(() => {
    refresh();
    // Another tab may have finished or left one meanwhile.
    window.addEventListener('focus', refresh);
    return () => window.removeEventListener('focus', refresh);
  }, [refresh]);
  if (left.length === 0) return null;
  return (
    <section
      aria-label="Unfinished recordings"
      className={`rounded-2xl border border-line bg-surface p-4 shadow-card sm:p-5 ${className ?? ''}`}
    >
      <h2 className="font-semibold">
        {left.length === 1 ? 'A recording was interrupted' : 'Some recordings were interrupted'}
      </h2>
      <p className="mt-1 text-sm text-muted">
        Nothing is lost: this browser has it all up to the moment it was closed.
      </p>
      <ul className="mt-4 divide-y divide-line">
        {left.map((take) => (
          <Row key={take.id} takes={takes} take={take} onGone={refresh} />
        ))}
      </ul>
    </section>
  );
}

type RowProps = { takes: Takes; take: LeftTake; onGone: () => void };

function Row({ takes, take, onGone }: RowProps) {
  const [view, setView] = useState<UplinkView | null>(null);
  const [asking, setAsking] = useState(false);
  const sending = view !== null && view.phase !== 'refused';
  const refused = view?.phase === 'refused';

  const finish = async () => {
    const outcome = await finishTake(takes, take, setView, refused);
    if (outcome === 'complete' && take.slug) location.assign(`/v/${take.slug}`);
    else if (outcome !== 'refused') onGone();
  };
  const save = async () => {
    const file = await takes.bytesOf(take);
    if (file) download(file, fileName(take.title, take.mime));
  };
  const discard = async () => {
    await discardTake(takes, take);
    onGone();
  };

  return (
    <li className="py-3.5 first:pt-0 last:pb-0">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-3">
        <div className="min-w-0 grow basis-60">
          <p className="truncate font-medium">{take.title}</p>
          <p className="text-sm text-muted tabular-nums">
            {clock(take.durationMs)} · {bytes(take.bytes)} ·{' '}
            <Ago iso={new Date(take.startedAt).toISOString()} />
          </p>
        </div>
        <div className="flex items-center gap-1.5">
          <Button tone="primary" size="sm" busy={sending} onClick={() => void finish()}>
            <Upload aria-hidden className="size-4" />
            {refused ? 'Send as a new video' : 'Finish upload'}
          </Button>
          <IconButton label="Download" size="sm" onClick={() => void save()}>
            <Download aria-hidden className="size-4.5" />
          </IconButton>
          <IconButton label="Discard" size="sm" disabled={sending} onClick={() => setAsking(true)}>
            <Trash2 aria-hidden className="size-4.5" />
          </IconButton>
        </div>
      </div>
      {sending && (
        <Progress
          className="mt-3"
          value={take.bytes ? view.acked / take.bytes : null}
          label="Sent to the server"
        />
      )}
      {view?.trouble && (
        <div className="mt-3">
          <Notice tone={refused ? 'danger' : 'warn'}>{view.trouble.message}</Notice>
        </div>
      )}
      <Confirm
        open={asking}
        onOpenChange={setAsking}
        title="Discard this recording?"
        verb="Discard"
        onConfirm={() => void discard()}
      >
        This browser’s copy is deleted for good. What the server already has stays in your library.
      </Confirm>
    </li>
  );
}
