import { Check, Copy, Download, ExternalLink } from 'lucide-react';
import { useEffect } from 'react';
import { Button, bytes as size, clock, Notice, Progress } from '@/ui';
import { download, fileName } from '../recovery';
import { useRecorder, useSnapshot } from './recorder-context';

/** After Stop: the rest goes to the server, the link is at hand, and nothing can be lost any more. */
export function Finishing() {
  const { state, uplink, bytes, live } = useSnapshot();
  useGoToVideo();
  const sent = bytes > 0 ? (uplink?.acked ?? 0) / bytes : 0;
  const failed = state.name === 'failed';
  const ended = failed && uplink?.trouble?.kind === 'bound';
  return (
    <section className="mx-auto max-w-xl animate-fade py-6 sm:py-14">
      <h1 className="text-2xl font-semibold">
        {ended ? 'The recording ended early' : heading(state.name, live)}
      </h1>
      <p className="mt-2 text-muted">
        {'durationMs' in state && `${clock(state.durationMs)}, ${size(bytes)}. `}
        {state.name === 'finishing' &&
          'The link works already; keep this page open until the rest is sent.'}
        {live && state.name !== 'finishing' && 'It was sent live; this browser kept nothing.'}
      </p>
      {!failed && (
        <div className="mt-6">
          <Progress value={state.name === 'done' ? 1 : sent} label="Sent to the server" />
        </div>
      )}
      <div className="mt-6 space-y-3">
        {state.name === 'failed' && (
          <Notice tone={ended ? 'warn' : 'danger'}>{state.reason}</Notice>
        )}
        {!failed && uplink?.trouble && <Notice tone="warn">{uplink.trouble.message}</Notice>}
      </div>
      {uplink?.target && (!failed || ended) && <LinkBox />}
      {state.name !== 'done' && !live && <Rescue failed={failed} />}
      {failed && live && <Again />}
    </section>
  );
}

function heading(state: string, live: boolean): string {
  if (state === 'done') return 'Ready. Opening your video…';
  if (state === 'failed' && live) return 'There is no video of this recording';
  return state === 'failed' ? 'The server did not take it all' : 'Sending the last seconds…';
}

/** Copies by itself where the browser lets it; the button is for where it does not. */
function LinkBox() {
  const recorder = useRecorder();
  const { uplink, copied, state } = useSnapshot();
  const target = uplink?.target;
  if (!target) return null;
  const link = new URL(target.watchUrl, location.href).href;
  return (
    <div className="mt-6 rounded-2xl border border-line bg-surface p-4 shadow-card">
      <p className="truncate font-medium" data-testid="link">
        {link}
      </p>
      <p role="status" className="mt-0.5 text-sm text-muted">
        {copied ? 'The link is in your clipboard.' : 'Give this link to anyone who should see it.'}
      </p>
      <div className="mt-4 flex flex-wrap gap-2.5">
        <Button
          size="sm"
          tone={copied ? 'secondary' : 'primary'}
          onClick={() => void recorder.copyLink()}
        >
          {copied ? (
            <Check aria-hidden className="size-4" />
          ) : (
            <Copy aria-hidden className="size-4" />
          )}
          {copied ? 'Copied' : 'Copy link'}
        </Button>
        <Button size="sm" asChild>
          <a
            href={`/v/${target.slug}`}
            target={state.name === 'done' ? undefined : '_blank'}
            rel="noreferrer"
          >
            <ExternalLink aria-hidden className="size-4" />
            Open
          </a>
        </Button>
      </div>
    </div>
  );
}

/** After a live take that failed there is nothing to rescue. */
function Again() {
  const recorder = useRecorder();
  return (
    <div className="mt-6">
      <Button onClick={() => void recorder.back()}>Record again</Button>
    </div>
  );
}

/** The recording itself, whatever the server says. */
function Rescue({ failed }: { failed: boolean }) {
  const recorder = useRecorder();
  const save = async () => {
    const [file, take] = [await recorder.file(), recorder.takeRecord];
    if (file && take) download(file, fileName(take.title, take.mime));
  };
  return (
    <div className="mt-6 flex flex-wrap gap-2.5">
      {failed && (
        <Button tone="primary" onClick={() => void recorder.retry()}>
          Send it as a new video
        </Button>
      )}
      <Button tone={failed ? 'secondary' : 'ghost'} onClick={() => void save()}>
        <Download aria-hidden className="size-4.5" />
        Download the recording
      </Button>
      {failed && (
        <Button tone="ghost" onClick={() => void recorder.back()}>
          Keep it here for later
        </Button>
      )}
    </div>
  );
}

/** Goes to the video: at once when the link is copied, else after a pause long enough to copy it by hand. */
function useGoToVideo() {
  const { state, uplink, copied } = useSnapshot();
  const slug = uplink?.target?.slug;
  const done = state.name === 'done';
  useEffect(() => {
    if (!done || !slug) return;
    const wait = copied ? 0 : copied === null ? 600 : 5000;
    const timer = setTimeout(() => location.assign(`/v/${slug}`), wait);
    return () => clearTimeout(timer);
  }, [done, slug, copied]);
}
