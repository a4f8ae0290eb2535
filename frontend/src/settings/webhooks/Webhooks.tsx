import { Webhook as Icon } from 'lucide-react';
import { useState } from 'react';
import { useWebhooks } from '@/api';
import { Badge, Button } from '@/ui';
import { Row, Rows, RowsPending } from '../rows';
import { hostOf, stateOf } from './events';
import { ManageWebhook } from './ManageWebhook';
import { NewWebhook } from './NewWebhook';

/** The programs that the workspace tells of its events. */
export function Webhooks() {
  const list = useWebhooks();
  const [making, setMaking] = useState(false);
  const [open, setOpen] = useState('');
  const managed = list.data?.items.find(({ id }) => id === open);
  return (
    <div className="grid gap-4">
      {!list.data && <RowsPending error={list.error} />}
      {list.data && list.data.items.length > 0 && (
        <Rows label="Webhooks">
          {list.data.items.map((webhook) => {
            const { tone, text } = stateOf(webhook);
            return (
              <Row
                key={webhook.id}
                lead={<Icon aria-hidden className="size-4.5 shrink-0 text-muted" />}
                title={hostOf(webhook.url)}
                detail={tone === 'neutral' ? text : <Badge tone={tone}>{text}</Badge>}
                action={
                  <Button
                    size="sm"
                    tone="ghost"
                    aria-label={`Manage ${hostOf(webhook.url)}`}
                    onClick={() => setOpen(webhook.id)}
                  >
                    Manage
                  </Button>
                }
              />
            );
          })}
        </Rows>
      )}
      <Button onClick={() => setMaking(true)} className="justify-self-start">
        New webhook
      </Button>
      <NewWebhook open={making} onOpenChange={setMaking} />
      {managed && <ManageWebhook webhook={managed} onClose={() => setOpen('')} />}
    </div>
  );
}
