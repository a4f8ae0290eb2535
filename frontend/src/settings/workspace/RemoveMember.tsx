import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { atLeast, type Member, messageOf, useMyWorkspace, workspaces } from '@/api';
import { Button, Dialog, Notice, plural, Select, toast } from '@/ui';

type Props = { member: Member; self: boolean; others: Member[]; onDone: () => void };

/** Somebody goes, or is removed; another one takes over the videos. */
export function RemoveMember({ member, self, others, onDone }: Props) {
  const client = useQueryClient();
  const { id, name } = useMyWorkspace();
  const heirs = others.filter(({ role }) => atLeast(role, 'member'));
  const [heir, setHeir] = useState(heirs[0]?.id ?? '');
  const needed = member.videos > 0;
  const remove = useMutation({
    mutationFn: () => workspaces.removeMember(id, member.id, needed ? heir : undefined),
    onSuccess: () => {
      if (self) return location.assign('/');
      toast.success(`${member.name} does not belong to ${name} any more`);
      void client.invalidateQueries({ queryKey: ['workspaces'] });
      void client.invalidateQueries({ queryKey: ['videos'] });
      onDone();
    },
  });
  return (
    <Dialog
      open
      onOpenChange={onDone}
      title={self ? `Leave ${name}?` : `Remove ${member.name}?`}
      description={
        self
          ? 'You lose sight of its videos at once. What you wrote stays.'
          : `${member.name} loses sight of this workspace’s videos at once, also of one that plays. The account and what it wrote stay.`
      }
      actions={
        <>
          <Button onClick={onDone}>Cancel</Button>
          <Button
            tone="danger"
            busy={remove.isPending}
            disabled={needed && !heir}
            onClick={() => remove.mutate()}
          >
            {self ? 'Leave' : 'Remove'}
          </Button>
        </>
      }
    >
      <div className="grid gap-4">
        {needed && heirs.length > 0 && (
          <Select
            label={`Who takes over ${plural(member.videos, 'video')}?`}
            hint="All of them, private ones too. Links and named people keep their access."
            value={heir}
            onChange={(event) => setHeir(event.target.value)}
          >
            {heirs.map((other) => (
              <option key={other.id} value={other.id}>
                {other.name} ({other.email})
              </option>
            ))}
          </Select>
        )}
        {needed && heirs.length === 0 && (
          <Notice tone="warn">
            Nobody else here could take over {plural(member.videos, 'video')}. Invite somebody
            first.
          </Notice>
        )}
        {remove.error && <Notice tone="danger">{messageOf(remove.error)}</Notice>}
      </div>
    </Dialog>
  );
}
