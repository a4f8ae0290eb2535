import { useMutation, useQueryClient } from '@tanstack/react-query';
import { UserPlus } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import {
  type Invitation,
  invitations,
  keys,
  messageOf,
  type Role,
  useInvitations,
  useSession,
} from '@/api';
import { Button, Confirm, copyWithToast, date, Field, Select, toast } from '@/ui';
import { Row, Rows, RowsPending } from './rows';
import { roleName, rolesUpTo } from './workspace/roles';

/** Makes invitation links and lists those still open. */
export function Invitations() {
  const open = useInvitations();
  const [revoking, setRevoking] = useState<Invitation | null>(null);
  return (
    <div className="grid gap-4">
      <h3 className="text-sm font-semibold">Invitations</h3>
      <NewInvitation />
      {!open.data && <RowsPending error={open.error} />}
      {open.data && open.data.items.length > 0 && (
        <Rows label="Open invitations">
          {open.data.items.map((invitation) => (
            <OpenInvitation
              key={invitation.id}
              invitation={invitation}
              onRevoke={() => setRevoking(invitation)}
            />
          ))}
        </Rows>
      )}
      <Revoke invitation={revoking} onDone={() => setRevoking(null)} />
    </div>
  );
}

function NewInvitation() {
  const client = useQueryClient();
  const [email, setEmail] = useState('');
  const [role, setRole] = useState<Role>('member');
  const mine = useSession().data?.account?.role as Role;
  const create = useMutation({
    mutationFn: () => invitations.create(email.trim() || undefined, role),
    onSuccess: () => {
      setEmail('');
      void client.invalidateQueries({ queryKey: keys.invitations });
    },
    onError: (error) => toast.error(messageOf(error)),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate();
  };
  return (
    <>
      <form onSubmit={submit} className="flex flex-wrap items-end gap-3">
        <Field
          label="E-mail (optional)"
          type="email"
          autoComplete="off"
          placeholder="Anyone with the link"
          value={email}
          onChange={(event) => setEmail(event.target.value)}
          className="min-w-0 grow basis-64"
        />
        <Select
          label="As"
          value={role}
          onChange={(event) => setRole(event.target.value as Role)}
          className="w-32"
        >
          {rolesUpTo(mine).map(({ value, label }) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </Select>
        <Button type="submit" tone="primary" busy={create.isPending} className="max-sm:w-full">
          <span className="flex items-center gap-2">
            <UserPlus aria-hidden className="size-4.5" />
            Create link
          </span>
        </Button>
      </form>
      {create.data?.url && <Link url={create.data.url} />}
    </>
  );
}

/** The server keeps only a hash of the link, so this is the one time to copy it. */
function Link({ url }: { url: string }) {
  return (
    <div
      role="status"
      className="flex flex-wrap items-end gap-3 rounded-2xl bg-accent-soft p-4 text-accent-ink"
    >
      <Field
        label="Send this link; it works once and is shown only now"
        readOnly
        value={url}
        onFocus={(event) => event.target.select()}
        className="min-w-0 grow basis-64"
      />
      <Button onClick={() => void copyWithToast(url)} className="max-sm:w-full">
        Copy link
      </Button>
    </div>
  );
}

function OpenInvitation({
  invitation,
  onRevoke,
}: {
  invitation: Invitation;
  onRevoke: () => void;
}) {
  return (
    <Row
      title={invitation.email || 'Anyone with the link'}
      detail={`${roleName(invitation.role)}, lapses on ${date(invitation.expires_at)}`}
      action={
        <Button size="sm" tone="ghost" onClick={onRevoke}>
          Revoke
        </Button>
      }
    />
  );
}

function Revoke({ invitation, onDone }: { invitation: Invitation | null; onDone: () => void }) {
  const client = useQueryClient();
  const revoke = useMutation({
    mutationFn: (id: string) => invitations.revoke(id),
    onSuccess: () => toast.success('Invitation revoked'),
    onError: (error) => toast.error(messageOf(error)),
    onSettled: () => {
      onDone();
      void client.invalidateQueries({ queryKey: keys.invitations });
    },
  });
  return (
    <Confirm
      open={invitation !== null}
      onOpenChange={onDone}
      title="Revoke this invitation?"
      verb="Revoke"
      busy={revoke.isPending}
      onConfirm={() => invitation && revoke.mutate(invitation.id)}
    >
      The link stops working at once. You can make a new one at any time.
    </Confirm>
  );
}
