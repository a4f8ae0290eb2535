import { useState } from 'react';
import type { Account, Video } from '@/api';
import { useSecond, type Playback } from '@/player';
import { Button, clock } from '@/ui';
import { GuestName } from './GuestName';
import type { Draft } from './useConversation';
import { useGuest } from './useGuest';
import { usePauseWhileTyping } from './usePauseWhileTyping';
import { Words } from './Words';

interface Props {
  video: Video;
  playback: Playback;
  account: Account | null;
  onSend: (draft: Draft) => void;
}

/** Comments at the second where the typing began. */
export function Composer({ video, playback, account, onSend }: Props) {
  if (!video.may.comment) return account ? null : <SignInToComment />;
  return <Box video={video} playback={playback} account={account} onSend={onSend} />;
}

function Box({ playback, account, onSend }: Props) {
  const second = useSecond(playback);
  const [text, setText] = useState('');
  const [pinned, setPinned] = useState<number | null>(null);
  const pauses = usePauseWhileTyping(playback);
  const guest = useGuest(account);
  const at = pinned ?? second * 1000;

  const type = (value: string) => {
    if (value !== '' && pinned === null) {
      setPinned(Math.round(playback.currentTime * 1000));
      pauses.begin();
    }
    if (value === '') setPinned(null);
    setText(value);
  };
  const close = () => {
    setText('');
    setPinned(null);
    pauses.end();
  };
  const send = () => {
    const body = text.trim();
    if (body === '' || !guest.settle()) return;
    onSend({
      at_ms: at,
      body,
      parent_id: null,
      guest_name: guest.needed ? guest.name.trim() : null,
    });
    close();
  };
  return (
    <div className="space-y-2.5 border-b border-line px-4 pt-1 pb-4">
      <Words
        label={`Comment at ${clock(at)}`}
        placeholder={`Comment at ${clock(at)}`}
        value={text}
        onChange={(event) => type(event.target.value)}
        onSubmit={send}
        onEscape={() => {
          if (text.trim() === '') close();
        }}
      />
      {pinned !== null && (
        <>
          <GuestName guest={guest} />
          <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
            <At at={at} now={second} onMove={() => setPinned(second * 1000)} />
            <label
              title="Pause the video while you write"
              className="flex min-h-9 items-center gap-1.5 text-sm text-muted pointer-coarse:min-h-11"
            >
              <input
                type="checkbox"
                checked={pauses.on}
                onChange={(event) => pauses.set(event.target.checked)}
                className="size-4 accent-(--accent)"
              />
              Pause
            </label>
            <span className="grow" />
            <Button
              size="sm"
              tone="primary"
              title="Ctrl + Enter"
              disabled={text.trim() === ''}
              onClick={send}
            >
              Comment
            </Button>
          </div>
        </>
      )}
    </div>
  );
}

function At({ at, now, onMove }: { at: number; now: number; onMove: () => void }) {
  const moved = Math.abs(now - at / 1000) > 1.5;
  return (
    <span className="flex items-center gap-2 text-sm">
      <span className="rounded-md bg-accent-soft px-1.5 py-0.5 font-semibold text-accent-ink tabular-nums">
        {clock(at)}
      </span>
      {moved && (
        <button
          type="button"
          onClick={onMove}
          className="rounded text-accent-ink underline underline-offset-2"
        >
          use {clock(now * 1000)}
        </button>
      )}
    </span>
  );
}

function SignInToComment() {
  const next = encodeURIComponent(location.pathname + location.search);
  return (
    <p className="border-b border-line px-4 pb-4 text-sm text-muted">
      <a href={`/sign-in?next=${next}`} className="text-accent-ink underline underline-offset-2">
        Sign in
      </a>{' '}
      to comment.
    </p>
  );
}
