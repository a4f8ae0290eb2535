import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link2, UserPlus } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { type Invitation, invitations, keys, messageOf, useInvitations } from '@/api';
import { Button, Confirm, copyText, copyWithToast, date, Field, IconButton, toast } from '@/ui';
import { Row, Rows, RowsPending } from './rows';

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
  const create = useMutation({
    mutationFn: () => invitations.create(email.trim() || undefined),
    onSuccess: async (made) => {
      setEmail('');
      void client.invalidateQueries({ queryKey: keys.invitations });
      const copied = await copyText(made.url);
      toast.success(copied ? 'Invitation link copied' : 'Invitation made', {
        description: 'Send it to the person you invite.',
      });
    },
    onError: (error) => toast.error(messageOf(error)),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate();
  };
  return (
    <form onSubmit={submit} className="flex flex-wrap items-end gap-3">
      <Field
        label="E-mail (optional)"
        type="email"
        autoComplete="off"
        placeholder="Leave empty for a link anyone can use once"
        value={email}
        onChange={(event) => setEmail(event.target.value)}
        className="min-w-0 grow basis-64"
      />
      <Button type="submit" tone="primary" busy={create.isPending} className="max-sm:w-full">
        <span className="flex items-center gap-2">
          <UserPlus aria-hidden className="size-4.5" />
          Create link
        </span>
      </Button>
    </form>
  );
}

type OpenProps = { invitation: Invitation; onRevoke: () => void };

function OpenInvitation({ invitation, onRevoke }: OpenProps) {
  const whom = invitation.email || 'Anyone with the link';
  return (
    <Row
      title={whom}
      detail={`Lapses on ${date(invitation.expires_at)}`}
      action={
        <>
          {invitation.url && (
            <IconButton
              size="sm"
              label={`Copy the link for ${whom}`}
              onClick={() => void copyWithToast(invitation.url)}
            >
              <Link2 aria-hidden className="size-4.5" />
            </IconButton>
          )}
          <Button size="sm" tone="ghost" onClick={onRevoke}>
            Revoke
          </Button>
        </>
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
