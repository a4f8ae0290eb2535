import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useId, useState } from 'react';
import { messageOf, type WorkspaceDetails, workspaces } from '@/api';
import { Button, Dialog, Field } from '@/ui';

type Props = {
  workspace: WorkspaceDetails;
  open: boolean;
  onOpenChange: (open: boolean) => void;
};

/** The one thing here that nothing brings back, so the name has to be typed. */
export function DeleteWorkspace({ workspace, open, onOpenChange }: Props) {
  const form = useId();
  const [typed, setTyped] = useState('');
  const remove = useMutation({
    mutationFn: () => workspaces.remove(workspace.id, typed),
    onSuccess: () => location.assign('/'),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (typed.trim() === workspace.name) remove.mutate();
  };
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title={`Delete “${workspace.name}”?`}
      description="All its videos and comments go, at once and for good, for everybody. Links to them stop working."
      actions={
        <>
          <Button onClick={() => onOpenChange(false)}>Cancel</Button>
          <Button
            type="submit"
            form={form}
            tone="danger"
            busy={remove.isPending}
            disabled={typed.trim() !== workspace.name}
          >
            Delete for good
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} noValidate>
        <Field
          label={`Type “${workspace.name}” to be sure`}
          autoComplete="off"
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
          error={remove.error ? messageOf(remove.error) : undefined}
        />
      </form>
    </Dialog>
  );
}
