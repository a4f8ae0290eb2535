import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import {
  messageOf,
  useMyWorkspace,
  useWorkspace,
  type WorkspaceDetails,
  workspaceKeys,
  workspaces,
} from '@/api';
import { bytes, Button, Field, Notice, Progress, toast } from '@/ui';
import { RowsPending } from '../rows';
import { type Draft, draftOf, limitsOf } from './limits';

/** What the videos hold, the bounds, and when videos go. */
export function Storage() {
  const { id, isAdmin } = useMyWorkspace();
  const workspace = useWorkspace();
  if (!id) return null;
  if (!workspace.data) return <RowsPending error={workspace.error} />;
  return (
    <div className="grid gap-7">
      <Usage workspace={workspace.data} />
      {isAdmin ? (
        <Limits key={JSON.stringify(workspace.data.limits)} workspace={workspace.data} />
      ) : (
        <Rules workspace={workspace.data} />
      )}
    </div>
  );
}

function Usage({ workspace }: { workspace: WorkspaceDetails }) {
  const { quota_bytes: quota } = workspace.limits;
  const part = quota > 0 ? workspace.used_bytes / quota : 0;
  return (
    <div className="grid gap-2">
      <p className="text-sm">
        <span className="font-medium">{bytes(workspace.used_bytes)}</span>{' '}
        <span className="text-muted">
          {quota > 0 ? `of ${bytes(quota)} in use` : 'in use, without a limit'}
        </span>
      </p>
      {quota > 0 && (
        <Progress value={part} label="Storage in use" tone={part >= 0.9 ? 'danger' : 'accent'} />
      )}
      {quota > 0 && part >= 1 && (
        <Notice tone="warn">
          The storage is full: new recordings are refused until something is deleted for good.
        </Notice>
      )}
    </div>
  );
}

function Rules({ workspace }: { workspace: WorkspaceDetails }) {
  const { retention_days: retention, trash_days: trash } = workspace.limits;
  return (
    <p className="text-sm text-muted">
      {retention > 0
        ? `Videos that nobody has watched for ${retention} days go to the trash; their owners are told before.`
        : 'Videos stay until somebody deletes them.'}{' '}
      The trash keeps them for {trash} days.
    </p>
  );
}

const fields: { name: keyof Draft; label: string; hint: string }[] = [
  {
    name: 'quota',
    label: 'Storage in GB',
    hint: 'Empty: no limit. Recordings and their other sizes count.',
  },
  { name: 'upload', label: 'Largest upload in GB', hint: 'Empty: no limit.' },
  {
    name: 'length',
    label: 'Longest video in minutes',
    hint: 'Empty: no limit. A recording ends there.',
  },
  {
    name: 'retention',
    label: 'Days until unwatched videos go',
    hint: 'Empty: never. Counted from the last time anybody watched; owners are warned a week before.',
  },
  {
    name: 'trash',
    label: 'Days in the trash',
    hint: '1 to 365. After that they are gone for good.',
  },
];

function Limits({ workspace }: { workspace: WorkspaceDetails }) {
  const client = useQueryClient();
  const before = draftOf(workspace.limits);
  const [draft, setDraft] = useState(before);
  const save = useMutation({
    mutationFn: () => workspaces.update(workspace.id, limitsOf(draft)),
    onSuccess: (changed) => {
      client.setQueryData(workspaceKeys.one(workspace.id), changed);
      toast.success('Limits saved');
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  const changed = fields.some(({ name }) => draft[name] !== before[name]);
  return (
    <form onSubmit={submit} noValidate className="grid gap-5">
      <div className="grid gap-5 sm:grid-cols-2">
        {fields.map(({ name, label, hint }) => (
          <Field
            key={name}
            label={label}
            hint={hint}
            inputMode="decimal"
            autoComplete="off"
            value={draft[name]}
            onChange={(event) => setDraft({ ...draft, [name]: event.target.value })}
          />
        ))}
      </div>
      {save.error && <Notice tone="danger">{messageOf(save.error)}</Notice>}
      <Button
        type="submit"
        busy={save.isPending}
        disabled={!changed}
        className="justify-self-start"
      >
        Save limits
      </Button>
    </form>
  );
}
