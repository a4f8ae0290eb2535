import { useMutation, useQueryClient } from '@tanstack/react-query';
import {
  type Delivery,
  messageOf,
  useDeliveries,
  type Webhook,
  webhookKeys,
  webhooks,
} from '@/api';
import { Ago, Button, toast } from '@/ui';
import { RowsPending } from '../rows';
import { outcomeOf } from './events';

/** The latest messages to a webhook, and what became of them. */
export function Deliveries({ webhook }: { webhook: Webhook }) {
  const log = useDeliveries(webhook.id);
  const client = useQueryClient();
  const look = () => client.invalidateQueries({ queryKey: webhookKeys.all });
  const test = useMutation({
    mutationFn: () => webhooks.test(webhook.id),
    onError: (error) => toast.error(messageOf(error)),
    onSettled: look,
  });
  const again = useMutation({
    mutationFn: (event: string) => webhooks.again(webhook.id, event),
    onError: (error) => toast.error(messageOf(error)),
    onSettled: look,
  });
  return (
    <section aria-label="Messages" className="grid gap-3">
      <div className="flex flex-wrap items-center justify-between gap-2">
        <h3 className="font-medium">Messages</h3>
        <Button
          size="sm"
          busy={test.isPending}
          disabled={!webhook.enabled}
          onClick={() => test.mutate()}
        >
          Send a test
        </Button>
      </div>
      {!log.data && <RowsPending error={log.error} />}
      {log.data?.items.length === 0 && (
        <p className="text-sm text-muted">Nothing has been sent yet.</p>
      )}
      {log.data && log.data.items.length > 0 && (
        <ul
          aria-label="Messages"
          className="max-h-80 divide-y divide-line overflow-y-auto rounded-2xl border border-line"
        >
          {log.data.items.map((delivery) => (
            <Message
              key={delivery.id}
              delivery={delivery}
              enabled={webhook.enabled}
              busy={again.isPending && again.variables === delivery.id}
              onAgain={() => again.mutate(delivery.id)}
            />
          ))}
        </ul>
      )}
    </section>
  );
}

type MessageProps = { delivery: Delivery; enabled: boolean; busy: boolean; onAgain: () => void };

function Message({ delivery, enabled, busy, onAgain }: MessageProps) {
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2.5 text-sm">
      <div className="min-w-0 grow basis-56">
        <p className="flex flex-wrap items-baseline gap-x-2">
          <code className="text-[0.8125rem]">{delivery.event}</code>
          <span className="text-xs text-muted">
            <Ago iso={delivery.tried_at ?? delivery.happened_at} />
          </span>
        </p>
        <p className={delivery.problem ? 'text-danger' : 'text-muted'}>{outcomeOf(delivery)}</p>
        {delivery.problem && <p className="text-xs text-pretty text-muted">{delivery.problem}</p>}
      </div>
      {enabled && delivery.state !== 'dropped' && (
        <Button
          size="sm"
          tone="ghost"
          className="ml-auto"
          busy={busy}
          aria-label={`Send ${delivery.event} again`}
          onClick={onAgain}
        >
          Send again
        </Button>
      )}
    </li>
  );
}
