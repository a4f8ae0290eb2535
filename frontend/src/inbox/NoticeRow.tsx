import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { access, ApiError, messageOf, shareKeys, type Notice } from '@/api';
import { Ago, Avatar, Button, toast } from '@/ui';

interface Props {
  notice: Notice;
  onLeave?: () => void;
}

/** One notice; a request to watch is answered where it stands. */
export function NoticeRow({ notice, onLeave }: Props) {
  const open = notice.request?.state === 'open';
  return (
    <li className="flex items-start gap-3 px-4 py-3.5">
      <Avatar name={notice.from || 'Meanwhile'} />
      <div className="min-w-0 grow text-sm">
        <p className="text-pretty wrap-anywhere">
          <Words notice={notice} onLeave={onLeave} />
        </p>
        {notice.request?.message && (
          <p className="mt-1.5 rounded-lg bg-sunken px-3 py-2 whitespace-pre-line text-muted">
            {notice.request.message}
          </p>
        )}
        <p className="mt-1 text-xs text-muted">
          <Ago iso={notice.created_at} />
          {notice.request?.state === 'granted' && ' · You let them watch'}
          {notice.request?.state === 'denied' && ' · Declined'}
        </p>
        {open && <Answer id={notice.request!.id} name={notice.from} />}
      </div>
      {!notice.read && (
        <span className="mt-2 size-2 shrink-0 rounded-full bg-accent">
          <span className="sr-only">New</span>
        </span>
      )}
    </li>
  );
}

function Words({ notice, onLeave }: Props) {
  const from = <strong className="font-medium">{notice.from || 'Somebody'}</strong>;
  const video = notice.video ? (
    <a href={notice.video.watch_url} onClick={onLeave}>
      {notice.video.title}
    </a>
  ) : (
    'a video'
  );
  switch (notice.kind) {
    case 'access_request':
      return (
        <>
          {from} asks to watch {video}.
        </>
      );
    case 'access_granted':
      return (
        <>
          {from} lets you watch {video}.
        </>
      );
    case 'access_denied':
      return <>Your request to watch a video was declined.</>;
    case 'shared':
      return (
        <>
          {from} shared {video} with you.
        </>
      );
    case 'webhook_disabled':
      return (
        <>
          The{' '}
          <a href="/settings#webhooks" onClick={onLeave}>
            webhook
          </a>{' '}
          to {from} was switched off: it took no messages.
        </>
      );
    case 'retention':
      return <>Nobody has watched {video} for long. It will be removed, unless you keep it.</>;
  }
}

function Answer({ id, name }: { id: string; name: string }) {
  const client = useQueryClient();
  const [busy, setBusy] = useState<'yes' | 'no' | null>(null);
  const answer = async (grant: boolean) => {
    setBusy(grant ? 'yes' : 'no');
    try {
      await access.answer(id, { grant });
      toast.success(grant ? `${name} can watch now` : 'Declined');
    } catch (error) {
      // Answered elsewhere meanwhile: the list shows how.
      if (!(error instanceof ApiError && error.status === 409)) toast.error(messageOf(error));
    }
    await client.invalidateQueries({ queryKey: shareKeys.inbox });
    setBusy(null);
  };
  return (
    <div className="mt-2.5 flex flex-wrap gap-2">
      <Button
        tone="primary"
        size="sm"
        busy={busy === 'yes'}
        disabled={busy !== null}
        onClick={() => void answer(true)}
      >
        Let them watch
      </Button>
      <Button
        size="sm"
        busy={busy === 'no'}
        disabled={busy !== null}
        onClick={() => void answer(false)}
      >
        Decline
      </Button>
    </div>
  );
}
