import { useQueryClient } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { MailQuestion } from 'lucide-react';
import { useState } from 'react';
import { access, messageOf, shareKeys, useAccessRequest, type AccessRequest } from '@/api';
import { useTitle } from '@/app/title';
import { Button, EmptyState, LoadingArea, Notice, Switch, toast } from '@/ui';

/** Where the mail about a request leads. Nothing happens before a click here, by somebody who may answer. */
export function RequestPage() {
  const { id } = useParams({ from: '/member/requests/$id' });
  const request = useAccessRequest(id);
  useTitle('Request to watch');
  if (request.isPending) return <LoadingArea />;
  if (!request.data) {
    return (
      <EmptyState
        picture={<MailQuestion aria-hidden />}
        title="There is no such request for you"
        action={
          <Button tone="primary" asChild>
            <Link to="/inbox">Go to the inbox</Link>
          </Button>
        }
      >
        It is answered by whoever looks after the video. Perhaps you are signed in with another
        account.
      </EmptyState>
    );
  }
  return (
    <div className="mx-auto max-w-lg px-4 pt-10 pb-24 sm:px-6 sm:pt-16">
      <h1 className="text-2xl font-semibold text-pretty wrap-anywhere">
        {request.data.from.name} asks to watch “{request.data.video_title}”
      </h1>
      <p className="mt-2 text-muted">
        {request.data.from.email}
        {!request.data.proved && ' – they have not proved that this address is theirs'}
      </p>
      {request.data.message && (
        <p className="mt-4 rounded-xl bg-sunken px-4 py-3 whitespace-pre-line">
          {request.data.message}
        </p>
      )}
      {request.data.state === 'open' ? (
        <Question request={request.data} />
      ) : (
        <div className="mt-6">
          <Notice>
            {request.data.state === 'granted'
              ? 'They can watch it. You can change that in the sharing of the video.'
              : 'This request was declined.'}
          </Notice>
        </div>
      )}
    </div>
  );
}

function Question({ request }: { request: AccessRequest }) {
  const client = useQueryClient();
  const [comment, setComment] = useState(true);
  const [download, setDownload] = useState(false);
  const [busy, setBusy] = useState<'yes' | 'no' | null>(null);
  const answer = async (grant: boolean) => {
    setBusy(grant ? 'yes' : 'no');
    try {
      await access.answer(request.id, { grant, may_comment: comment, may_download: download });
    } catch (error) {
      toast.error(messageOf(error));
    }
    await client.invalidateQueries({ queryKey: shareKeys.request(request.id) });
    void client.invalidateQueries({ queryKey: shareKeys.inbox });
    setBusy(null);
  };
  return (
    <>
      {request.visibility === 'private' && (
        <div className="mt-5">
          <Notice tone="warn">
            Only you may watch this video now. If you let them, it becomes one for named people.
          </Notice>
        </div>
      )}
      <div className="mt-5">
        <Switch label="May comment" checked={comment} onChange={setComment} />
        <Switch label="May download" checked={download} onChange={setDownload} />
      </div>
      <div className="mt-6 flex flex-wrap gap-3">
        <Button tone="primary" busy={busy === 'yes'} onClick={() => void answer(true)}>
          Let them watch
        </Button>
        <Button busy={busy === 'no'} onClick={() => void answer(false)}>
          Decline
        </Button>
      </div>
    </>
  );
}
