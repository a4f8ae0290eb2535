import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useId, useState } from 'react';
import { messageOf, workspaces } from '@/api';
import { Button, Dialog, Field } from '@/ui';

type Props = { open: boolean; onOpenChange: (open: boolean) => void };

/** Makes a further workspace and goes there. */
export function NewWorkspace({ open, onOpenChange }: Props) {
  const form = useId();
  const [name, setName] = useState('');
  const create = useMutation({
    mutationFn: () => workspaces.create(name.trim()),
    onSuccess: () => location.assign('/'),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (name.trim()) create.mutate();
  };
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title="New workspace"
      description="A library of its own, with people of its own. You will own it; nobody else sees it until you invite them."
      actions={
        <>
          <Button onClick={() => onOpenChange(false)}>Cancel</Button>
          <Button type="submit" form={form} tone="primary" busy={create.isPending}>
            Create workspace
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} noValidate>
        <Field
          label="Name"
          autoComplete="off"
          value={name}
          onChange={(event) => setName(event.target.value)}
          error={create.error ? messageOf(create.error) : undefined}
        />
      </form>
    </Dialog>
  );
}
