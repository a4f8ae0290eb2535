import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { keys, messageOf, useMyWorkspace, useWorkspace, workspaceKeys, workspaces } from '@/api';
import { Button, Field, Notice, toast } from '@/ui';
import { RowsPending } from '../rows';
import { DeleteWorkspace } from './DeleteWorkspace';
import { NewWorkspace } from './NewWorkspace';

/** The workspace's name, a further one, and the end of this one. */
export function General() {
  const { id, isAdmin, isOwner } = useMyWorkspace();
  const workspace = useWorkspace();
  const [making, setMaking] = useState(false);
  const [deleting, setDeleting] = useState(false);
  if (!id)
    return (
      <Notice>
        You belong to no workspace. What others name you for is in your library under “Shared”.
      </Notice>
    );
  if (!workspace.data) return <RowsPending error={workspace.error} />;
  return (
    <div className="grid gap-6">
      {isAdmin ? (
        <Rename key={workspace.data.name} id={id} name={workspace.data.name} />
      ) : (
        <p className="font-medium">{workspace.data.name}</p>
      )}
      <div className="flex flex-wrap gap-2.5">
        {workspace.data.may_create && (
          <Button onClick={() => setMaking(true)}>New workspace</Button>
        )}
        {isOwner && (
          <Button tone="ghost" onClick={() => setDeleting(true)} className="text-danger">
            Delete this workspace
          </Button>
        )}
      </div>
      <NewWorkspace open={making} onOpenChange={setMaking} />
      {isOwner && (
        <DeleteWorkspace workspace={workspace.data} open={deleting} onOpenChange={setDeleting} />
      )}
    </div>
  );
}

function Rename({ id, name }: { id: string; name: string }) {
  const client = useQueryClient();
  const [text, setText] = useState(name);
  const rename = useMutation({
    mutationFn: () => workspaces.update(id, { name: text.trim() }),
    onSuccess: (changed) => {
      client.setQueryData(workspaceKeys.one(id), changed);
      void client.invalidateQueries({ queryKey: keys.session });
      toast.success('Name saved');
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    rename.mutate();
  };
  return (
    <form onSubmit={submit} noValidate className="grid max-w-md gap-5">
      <Field
        label="Name of the workspace"
        autoComplete="off"
        value={text}
        onChange={(event) => setText(event.target.value)}
        error={rename.error ? messageOf(rename.error) : undefined}
      />
      <Button
        type="submit"
        busy={rename.isPending}
        disabled={text.trim() === name || !text.trim()}
        className="justify-self-start"
      >
        Save name
      </Button>
    </form>
  );
}
