import { ShieldCheck } from 'lucide-react';
import { useState } from 'react';
import { type Identity, security } from '@/api';
import { Button, Confirm, date } from '@/ui';
import { Row, Rows } from '../rows';
import { useChange } from './useChange';

/** Accounts of another service that sign in here. */
export function Identities({ identities, service }: { identities: Identity[]; service: string }) {
  const [removing, setRemoving] = useState<Identity | null>(null);
  const link = useChange(async () => location.assign((await security.link()).url));
  const unlink = useChange(security.unlink, 'Not linked any more');
  return (
    <div className="grid gap-4">
      {identities.length > 0 && (
        <Rows label="Linked accounts">
          {identities.map((identity) => (
            <Row
              key={identity.id}
              lead={<ShieldCheck aria-hidden className="size-4.5 shrink-0 text-muted" />}
              title={identity.email || new URL(identity.issuer).host}
              detail={`${new URL(identity.issuer).host} · linked ${date(identity.created_at)}`}
              action={
                <Button size="sm" tone="ghost" onClick={() => setRemoving(identity)}>
                  Remove
                </Button>
              }
            />
          ))}
        </Rows>
      )}
      {service && (
        <Button
          busy={link.isPending}
          onClick={() => link.mutate(undefined)}
          className="justify-self-start"
        >
          {`Link ${service}`}
        </Button>
      )}
      <Confirm
        open={removing !== null}
        onOpenChange={() => setRemoving(null)}
        title="Remove this way to sign in?"
        verb="Remove"
        busy={unlink.isPending}
        onConfirm={() => {
          if (removing) unlink.mutate(removing.id);
          setRemoving(null);
        }}
      >
        That account does not open yours any more. You can link it again at any time.
      </Confirm>
    </div>
  );
}
