import { useMutation, useQueryClient } from '@tanstack/react-query';
import { KeyRound } from 'lucide-react';
import { useState } from 'react';
import { type ApiToken, keys, messageOf, tokens, useTokens } from '@/api';
import { ago, Button, Confirm, date, toast } from '@/ui';
import { NewToken } from './NewToken';
import { scopes } from './scopes';
import { Row, Rows, RowsPending } from './rows';
import { Proof } from './security/Proof';

export function Tokens() {
  const list = useTokens();
  const [making, setMaking] = useState(false);
  const [revoking, setRevoking] = useState<ApiToken | null>(null);
  return (
    <div className="grid gap-4">
      {!list.data && <RowsPending error={list.error} />}
      {list.data && list.data.items.length > 0 && (
        <Rows label="API tokens">
          {list.data.items.map((token) => (
            <Row
              key={token.id}
              lead={<KeyRound aria-hidden className="size-4.5 shrink-0 text-muted" />}
              title={token.name}
              detail={[scopes[token.scope], life(token), use(token)].join(' · ')}
              action={
                <Button size="sm" tone="ghost" onClick={() => setRevoking(token)}>
                  Revoke
                </Button>
              }
            />
          ))}
        </Rows>
      )}
      <Button onClick={() => setMaking(true)} className="justify-self-start">
        New token
      </Button>
      <Proof>
        <NewToken open={making} onOpenChange={setMaking} />
      </Proof>
      <Revoke token={revoking} onDone={() => setRevoking(null)} />
    </div>
  );
}

function life({ expires_at }: ApiToken): string {
  if (!expires_at) return 'never expires';
  return `${new Date(expires_at) < new Date() ? 'expired' : 'expires'} ${date(expires_at)}`;
}

function use({ used_at }: ApiToken): string {
  return used_at ? `used ${ago(used_at)}` : 'not used yet';
}

function Revoke({ token, onDone }: { token: ApiToken | null; onDone: () => void }) {
  const client = useQueryClient();
  const revoke = useMutation({
    mutationFn: (id: string) => tokens.revoke(id),
    onSuccess: () => toast.success('Token revoked'),
    onError: (error) => toast.error(messageOf(error)),
    onSettled: () => {
      onDone();
      void client.invalidateQueries({ queryKey: keys.tokens });
    },
  });
  return (
    <Confirm
      open={token !== null}
      onOpenChange={onDone}
      title={`Revoke “${token?.name ?? ''}”?`}
      verb="Revoke"
      busy={revoke.isPending}
      onConfirm={() => token && revoke.mutate(token.id)}
    >
      Whatever uses this token stops working at once. This cannot be undone.
    </Confirm>
  );
}
