import { useQuery } from '@tanstack/react-query';
import { CircleCheck, CircleX } from 'lucide-react';
import { useId, useState, type FormEvent } from 'react';
import {
  messageOf,
  sharing,
  workspaceKeys,
  workspaces,
  type Checked,
  type Naming,
  type Video,
} from '@/api';
import { Button, plural, Switch, TextArea, toast } from '@/ui';

interface Props {
  video: Video;
  /** Letters can be sent. */
  mail: boolean;
  onNamed: () => Promise<void>;
}

/** Paste addresses or pick people: it says who could not open the video and why, and lets them all in with one click. */
export function CheckPeople({ video, mail, onNamed }: Props) {
  const [text, setText] = useState('');
  const [found, setFound] = useState<Checked[] | null>(null);
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);

  const check = async (event: FormEvent) => {
    event.preventDefault();
    if (text.trim() === '') return setProblem('Paste or type at least one e-mail address.');
    setBusy(true);
    setProblem('');
    try {
      setFound((await sharing.check(video.id, { addresses: text })).items);
    } catch (error) {
      setProblem(messageOf(error));
    }
    setBusy(false);
  };
  const done = async () => {
    setText('');
    setFound(null);
    await onNamed();
  };
  return (
    <form onSubmit={(event) => void check(event)} className="grid grid-cols-1 gap-3">
      <TextArea
        label="Who should be able to watch?"
        placeholder="ada@example.org, ben@example.org"
        hint="Paste any text with e-mail addresses. You see who could not open it before you send the link."
        rows={2}
        maxLength={20_000}
        value={text}
        error={problem || undefined}
        onChange={(event) => {
          setText(event.target.value);
          setFound(null);
        }}
      />
      <Members video={video} onPick={(email) => setText((old) => joined(old, email))} />
      {found === null ? (
        <Button type="submit" size="sm" busy={busy} className="justify-self-start">
          Check who can open it
        </Button>
      ) : (
        <Result video={video} mail={mail} found={found} onNamed={done} />
      )}
    </form>
  );
}

function joined(text: string, email: string): string {
  const old = text.trim();
  return old === '' ? email : `${old.replace(/[,;]$/, '')}, ${email}`;
}

// People of the workspace, by name: most who are meant are there.
function Members({ video, onPick }: { video: Video; onPick: (email: string) => void }) {
  const id = useId();
  const members = useQuery({
    queryKey: workspaceKeys.members(video.workspace_id),
    queryFn: ({ signal }) => workspaces.members(video.workspace_id, signal),
    enabled: video.workspace_id !== '',
    retry: false,
  });
  const others = members.data?.items.filter((one) => one.id !== video.owner.id) ?? [];
  if (others.length === 0) return null;
  return (
    <div className="-mt-1 flex items-center gap-2">
      <label htmlFor={id} className="text-sm text-muted">
        Or pick
      </label>
      <select
        id={id}
        value=""
        onChange={(event) => onPick(event.target.value)}
        className="h-9 min-w-0 grow rounded-lg border border-edge bg-surface px-2.5 text-sm sm:max-w-72 pointer-coarse:h-11"
      >
        <option value="" disabled>
          somebody of the workspace
        </option>
        {others.map((one) => (
          <option key={one.id} value={one.email}>
            {one.name} ({one.email})
          </option>
        ))}
      </select>
    </div>
  );
}

function Result({
  video,
  mail,
  found,
  onNamed,
}: Omit<Props, 'mail'> & { mail: boolean; found: Checked[] }) {
  const [write, setWrite] = useState(mail);
  const [busy, setBusy] = useState(false);
  const closed = found.filter((one) => !one.can && one.email !== null);
  const grant = async () => {
    setBusy(true);
    try {
      await sharing.name(video.id, { ...naming(closed), raise: true, mail: write });
      toast.success(`${plural(closed.length, 'person', 'people')} can watch now`);
      await onNamed();
    } catch (error) {
      toast.error(messageOf(error));
      setBusy(false);
    }
  };
  return (
    <div role="status" className="grid grid-cols-1 gap-3">
      <ul aria-label="Who can open it" className="grid grid-cols-1 gap-1.5">
        {found.map((one) => (
          <Finding key={one.email ?? one.text} one={one} />
        ))}
      </ul>
      {closed.length === 0 ? (
        <p className="text-sm font-medium">
          {found.some((one) => one.email === null)
            ? 'Everybody with a real address can open it.'
            : 'Everybody can open it. Just send the link.'}
        </p>
      ) : (
        <>
          {video.visibility === 'private' && (
            <p className="text-sm text-muted">
              The video is private now. It becomes one for named people: those you have named before
              can watch, too.
            </p>
          )}
          {mail && <Switch label="Send them a mail" checked={write} onChange={setWrite} />}
          <Button
            tone="primary"
            size="sm"
            busy={busy}
            className="justify-self-start"
            onClick={() => void grant()}
          >
            {closed.length === 1 ? 'Let this person watch' : `Let all ${closed.length} watch`}
          </Button>
        </>
      )}
    </div>
  );
}

// Somebody of the workspace is named by account: their own address may not be proved yet.
function naming(closed: Checked[]): Pick<Naming, 'people'> {
  return {
    people: closed.map((one) =>
      one.account ? { account_id: one.account.id } : { email: one.email ?? undefined },
    ),
  };
}

const why: Record<Checked['why'], string> = {
  owner: 'owns it',
  admin: 'looks after the workspace',
  member: 'belongs to the workspace',
  named: 'was named',
  link: 'anyone with the link can',
  named_pending: 'was named; must sign in with this address',
  private: 'the video is private',
  not_named: 'was not named',
  outside: 'is not in the workspace, and was not named',
  invalid: 'is not an e-mail address',
};

function Finding({ one }: { one: Checked }) {
  const Icon = one.can ? CircleCheck : CircleX;
  return (
    <li className="flex items-start gap-2 text-sm">
      <Icon
        aria-label={one.can ? 'Can open it' : 'Cannot open it'}
        role="img"
        className={`mt-0.5 size-4 shrink-0 ${one.can ? 'text-accent-ink' : 'text-danger'}`}
      />
      <span className="min-w-0 wrap-anywhere">
        <span className="font-medium">{one.account?.name ?? one.text}</span>{' '}
        <span className="text-muted">
          {why[one.why]}
          {one.account && !one.proved && ' (has not proved that the address is theirs)'}
        </span>
      </span>
    </li>
  );
}
