import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useId, useState } from 'react';
import { type ApiToken, keys, messageOf, tokens } from '@/api';
import { Button, Dialog, Field, Notice, Select } from '@/ui';
import { scopes } from './scopes';
import { Secret } from './Secret';
import { NotProved, useProof } from './security/proof';

type Values = { name: string; scope: ApiToken['scope']; expires_in_days: number };
type Props = { open: boolean; onOpenChange: (open: boolean) => void };

/** Makes a token and shows it, this once. */
export function NewToken({ open, onOpenChange }: Props) {
  const client = useQueryClient();
  const form = useId();
  const proof = useProof();
  const create = useMutation({
    mutationFn: (values: Values) => proof(() => tokens.create(values)),
    onSuccess: () => void client.invalidateQueries({ queryKey: keys.tokens }),
  });
  const change = (next: boolean) => {
    if (!next) create.reset(); // The secret does not outlive the dialog.
    onOpenChange(next);
  };
  const secret = create.data?.token;
  if (secret) {
    return (
      <Secret
        open={open}
        onOpenChange={change}
        secret={secret}
        copied="Token copied"
        title="Your new token"
        description="Copy it now: it is shown only this once."
      />
    );
  }
  return (
    <Dialog
      open={open}
      onOpenChange={change}
      title="New API token"
      description="It acts as you, within the scope you give it."
      actions={
        <>
          <Button onClick={() => change(false)}>Cancel</Button>
          <Button type="submit" form={form} tone="primary" busy={create.isPending}>
            Create token
          </Button>
        </>
      }
    >
      <TokenForm
        id={form}
        error={create.error instanceof NotProved ? null : create.error}
        onSubmit={create.mutate}
      />
    </Dialog>
  );
}

type FormProps = {
  id: string;
  error: Error | null;
  onSubmit: (values: Values) => void;
};

function TokenForm({ id, error, onSubmit }: FormProps) {
  const [name, setName] = useState('');
  const [scope, setScope] = useState<ApiToken['scope']>('write');
  const [days, setDays] = useState(90);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (name.trim()) onSubmit({ name: name.trim(), scope, expires_in_days: days });
  };
  return (
    <form id={id} onSubmit={submit} className="grid gap-5">
      {error && <Notice tone="danger">{messageOf(error)}</Notice>}
      <Field
        label="Name"
        placeholder="What it is for"
        required
        maxLength={100}
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
      <Select
        label="Scope"
        value={scope}
        onChange={(event) => setScope(event.target.value as ApiToken['scope'])}
      >
        {Object.entries(scopes).map(([value, label]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </Select>
      <Select
        label="Expires"
        value={days}
        onChange={(event) => setDays(Number(event.target.value))}
      >
        <option value={7}>After a week</option>
        <option value={30}>After 30 days</option>
        <option value={90}>After 90 days</option>
        <option value={365}>After a year</option>
        <option value={0}>Never</option>
      </Select>
    </form>
  );
}
