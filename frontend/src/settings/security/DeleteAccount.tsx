import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useId, useState } from 'react';
import { type Leaving, messageOf, security, useAccounts, useSession } from '@/api';
import { enter } from '@/auth/enter';
import { Button, Dialog, Field, Notice, Select } from '@/ui';
import { NotProved, useProof } from './proof';

/** Asks what becomes of videos and comments, and whether it is meant. */
export function DeleteAccount({ onCancel }: { onCancel: () => void }) {
  const me = useSession().data?.account;
  const others = (useAccounts().data?.items ?? []).filter(
    ({ id, role }) => id !== me?.id && role !== 'viewer',
  );
  const form = useId();
  const proof = useProof();
  const [email, setEmail] = useState('');
  const [heir, setHeir] = useState('');
  const [comments, setComments] = useState<Leaving['comments']>('keep');
  const leave = useMutation({
    mutationFn: () =>
      proof(() =>
        security.leave({
          email: email.trim(),
          videos: heir ? 'hand_over' : 'delete',
          heir_id: heir || undefined,
          comments,
        }),
      ),
    onSuccess: () => enter('/sign-in'),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    leave.mutate();
  };
  const refused = leave.error && !(leave.error instanceof NotProved) && messageOf(leave.error);
  return (
    <Dialog
      open
      onOpenChange={onCancel}
      title="Delete your account?"
      description="This cannot be undone. Sessions, passkeys, tokens and what you have watched go with it."
      actions={
        <>
          <Button onClick={onCancel}>Cancel</Button>
          <Button type="submit" form={form} tone="danger" busy={leave.isPending}>
            Delete my account
          </Button>
        </>
      }
    >
      <form id={form} noValidate onSubmit={submit} className="grid gap-5">
        {refused && <Notice tone="danger">{refused}</Notice>}
        <Select label="Your videos" value={heir} onChange={(event) => setHeir(event.target.value)}>
          <option value="">Delete them for good</option>
          {others.map(({ id, name }) => (
            <option key={id} value={id}>
              Hand them over to {name}
            </option>
          ))}
        </Select>
        <Select
          label="Your comments"
          value={comments}
          onChange={(event) => setComments(event.target.value as Leaving['comments'])}
        >
          <option value="keep">Keep them, as “Deleted account”</option>
          <option value="delete">Delete them</option>
        </Select>
        <Field
          label={`Type ${me?.email ?? 'your e-mail address'} to confirm`}
          type="email"
          autoComplete="off"
          value={email}
          onChange={(event) => setEmail(event.target.value)}
        />
      </form>
    </Dialog>
  );
}
