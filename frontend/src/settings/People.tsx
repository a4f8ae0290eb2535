import { useAccounts, useSession } from '@/api';
import { Avatar, Badge } from '@/ui';
import { Invitations } from './Invitations';
import { Row, Rows, RowsPending } from './rows';

export function People() {
  const people = useAccounts();
  const me = useSession().data?.account?.id;
  return (
    <div className="grid gap-8">
      {!people.data ? (
        <RowsPending error={people.error} />
      ) : (
        <Rows label="Accounts">
          {people.data.items.map((account) => (
            <Row
              key={account.id}
              lead={<Avatar name={account.name} id={account.id} />}
              title={account.id === me ? `${account.name} (you)` : account.name}
              detail={account.email}
              action={account.role === 'owner' && <Badge tone="accent">Owner</Badge>}
            />
          ))}
        </Rows>
      )}
      <Invitations />
    </div>
  );
}
