import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import {
  atLeast,
  type Member,
  messageOf,
  type Role,
  useMembers,
  useMyWorkspace,
  useSession,
  workspaceKeys,
  workspaces,
} from '@/api';
import { Avatar, Badge, Button, Select, toast } from '@/ui';
import { Invitations } from '../Invitations';
import { Row, Rows, RowsPending } from '../rows';
import { RemoveMember } from './RemoveMember';
import { roleName, rolesUpTo } from './roles';

/** Who belongs to the workspace, what they may do there, and who is invited. */
export function Members() {
  const { isAdmin, id } = useMyWorkspace();
  const members = useMembers();
  const me = useSession().data?.account;
  const [going, setGoing] = useState<Member | null>(null);
  if (!id) return null;
  return (
    <div className="grid gap-8">
      {!members.data ? (
        <RowsPending error={members.error} />
      ) : (
        <Rows label="Members">
          {members.data.items.map((member) => (
            <MemberRow
              key={member.id}
              member={member}
              mine={me?.role as Role}
              self={member.id === me?.id}
              onGo={() => setGoing(member)}
            />
          ))}
        </Rows>
      )}
      {isAdmin && <Invitations />}
      {going && members.data && (
        <RemoveMember
          member={going}
          self={going.id === me?.id}
          others={members.data.items.filter(({ id }) => id !== going.id)}
          onDone={() => setGoing(null)}
        />
      )}
    </div>
  );
}

type RowProps = { member: Member; mine: Role; self: boolean; onGo: () => void };

function MemberRow({ member, mine, self, onGo }: RowProps) {
  const manages = atLeast(mine, 'admin') && atLeast(mine, member.role);
  return (
    <Row
      lead={<Avatar name={member.name} id={member.id} />}
      title={self ? `${member.name} (you)` : member.name}
      detail={member.email}
      action={
        <div className="flex shrink-0 items-center gap-2">
          {manages ? (
            <RolePicker member={member} mine={mine} />
          ) : (
            <Badge>{roleName(member.role)}</Badge>
          )}
          {(manages || self) && (
            <Button
              size="sm"
              tone="ghost"
              className="w-20"
              aria-label={self ? 'Leave the workspace' : `Remove ${member.name}`}
              onClick={onGo}
            >
              {self ? 'Leave' : 'Remove'}
            </Button>
          )}
        </div>
      }
    />
  );
}

function RolePicker({ member, mine }: { member: Member; mine: Role }) {
  const client = useQueryClient();
  const { id } = useMyWorkspace();
  const change = useMutation({
    mutationFn: (role: Role) => workspaces.changeRole(id, member.id, role),
    onSuccess: (_, role) => toast.success(`${member.name} is ${roleName(role).toLowerCase()} now`),
    onError: (error) => toast.error(messageOf(error)),
    onSettled: () => {
      void client.invalidateQueries({ queryKey: workspaceKeys.members(id) });
      void client.invalidateQueries({ queryKey: ['session'] });
    },
  });
  return (
    <Select
      label={`Role of ${member.name}`}
      hideLabel
      value={change.isPending ? change.variables : member.role}
      disabled={change.isPending}
      onChange={(event) => change.mutate(event.target.value as Role)}
      className="w-30"
    >
      {rolesUpTo(mine).map(({ value, label }) => (
        <option key={value} value={value}>
          {label}
        </option>
      ))}
    </Select>
  );
}
