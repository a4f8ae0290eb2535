import { Fingerprint } from 'lucide-react';
import { type FormEvent, useId, useState } from 'react';
import { type Passkey, security } from '@/api';
import { KnownPasskey, makePasskey, passkeysWork } from '@/auth/passkey';
import { Button, Confirm, date, Dialog, Field, toast } from '@/ui';
import { Row, Rows } from '../rows';
import { useChange } from './useChange';

export function Passkeys({ passkeys }: { passkeys: Passkey[] }) {
  const [renaming, setRenaming] = useState<Passkey | null>(null);
  const [removing, setRemoving] = useState<Passkey | null>(null);
  const add = useAdd(setRenaming);
  const drop = useChange(security.dropPasskey, 'Passkey removed');
  return (
    <div className="grid gap-4">
      {passkeys.length > 0 && (
        <Rows label="Passkeys">
          {passkeys.map((passkey) => (
            <Row
              key={passkey.id}
              lead={<Fingerprint aria-hidden className="size-4.5 shrink-0 text-muted" />}
              title={passkey.name}
              detail={`Made ${date(passkey.created_at)}${passkey.used_at ? ` · used ${date(passkey.used_at)}` : ''}`}
              action={
                <div className="flex gap-1">
                  <Button size="sm" tone="ghost" onClick={() => setRenaming(passkey)}>
                    Rename
                  </Button>
                  <Button size="sm" tone="ghost" onClick={() => setRemoving(passkey)}>
                    Remove
                  </Button>
                </div>
              }
            />
          ))}
        </Rows>
      )}
      {passkeysWork() && (
        <Button
          busy={add.isPending}
          onClick={() => add.mutate(undefined)}
          className="justify-self-start"
        >
          Add a passkey
        </Button>
      )}
      {renaming && <Rename passkey={renaming} onDone={() => setRenaming(null)} />}
      <Confirm
        open={removing !== null}
        onOpenChange={() => setRemoving(null)}
        title={`Remove “${removing?.name ?? ''}”?`}
        verb="Remove"
        busy={drop.isPending}
        onConfirm={() => {
          if (removing) drop.mutate(removing.id);
          setRemoving(null);
        }}
      >
        It does not open your account any more. Your device may go on offering it until you delete
        it there, too.
      </Confirm>
    </div>
  );
}

/** Makes a passkey, then asks what to call it. */
function useAdd(onMade: (made: Passkey) => void) {
  return useChange(async () => {
    try {
      const credential = await makePasskey();
      if (!credential) return;
      onMade(await security.addPasskey({ name: 'Passkey', credential }));
      toast.success('Passkey added');
    } catch (error) {
      if (!(error instanceof KnownPasskey)) throw error;
      toast('This device has a passkey for your account already.');
    }
  });
}

function Rename({ passkey, onDone }: { passkey: Passkey; onDone: () => void }) {
  const form = useId();
  const [name, setName] = useState(passkey.name);
  const rename = useChange((wanted: string) => security.renamePasskey(passkey.id, wanted));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (name.trim()) rename.mutate(name.trim(), { onSuccess: onDone });
  };
  return (
    <Dialog
      open
      onOpenChange={onDone}
      title="What is it called?"
      description="Name the device or the place where it is kept, to know it again."
      actions={
        <>
          <Button onClick={onDone}>Cancel</Button>
          <Button type="submit" form={form} tone="primary" busy={rename.isPending}>
            Save
          </Button>
        </>
      }
    >
      <form id={form} noValidate onSubmit={submit}>
        <Field
          label="Name"
          maxLength={100}
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
      </form>
    </Dialog>
  );
}
