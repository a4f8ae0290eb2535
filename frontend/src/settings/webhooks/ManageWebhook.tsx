import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useId, useState } from 'react';
import { messageOf, type Webhook, webhookKeys, webhooks } from '@/api';
import { Button, Confirm, date, Dialog, Notice, Switch, toast } from '@/ui';
import { Deliveries } from './Deliveries';
import { hostOf, stateOf } from './events';
import { Secret } from './Secret';
import { WebhookForm } from './WebhookForm';

type Props = { webhook: Webhook; onClose: () => void };

/** All about one webhook: how it does, what it is told, its secret, its end. */
export function ManageWebhook({ webhook, onClose }: Props) {
  const client = useQueryClient();
  const form = useId();
  const look = () => client.invalidateQueries({ queryKey: webhookKeys.all });
  const save = useMutation({
    mutationFn: (change: Parameters<typeof webhooks.update>[1]) =>
      webhooks.update(webhook.id, change),
    onSuccess: () => toast.success('Webhook saved'),
    onSettled: look,
  });
  const state = stateOf(webhook);
  return (
    <Dialog
      wide
      open
      onOpenChange={onClose}
      title={hostOf(webhook.url)}
      actions={
        <>
          <Remove webhook={webhook} onGone={onClose} />
          <Renew webhook={webhook} />
          <Button type="submit" form={form} tone="primary" busy={save.isPending}>
            Save webhook
          </Button>
        </>
      }
    >
      <div className="grid gap-6">
        {state.tone !== 'neutral' && <Notice tone={state.tone}>{state.text}</Notice>}
        {webhook.old_secret_until && (
          <Notice>
            Messages are signed by the old secret, too, until {date(webhook.old_secret_until)}.
          </Notice>
        )}
        <Switch
          label="Switched on"
          hint="Switched off, it is told nothing, and what waits is not sent."
          checked={webhook.enabled}
          disabled={save.isPending}
          onChange={(enabled) => save.mutate({ enabled })}
        />
        <WebhookForm id={form} before={webhook} error={save.error} onSubmit={save.mutate} />
        <Deliveries webhook={webhook} />
      </div>
    </Dialog>
  );
}

function Renew({ webhook }: { webhook: Webhook }) {
  const client = useQueryClient();
  const renew = useMutation({
    mutationFn: () => webhooks.renewSecret(webhook.id),
    onError: (error) => toast.error(messageOf(error)),
    onSuccess: () => void client.invalidateQueries({ queryKey: webhookKeys.all }),
  });
  return (
    <>
      <Button busy={renew.isPending} onClick={() => renew.mutate()}>
        New secret
      </Button>
      <Secret
        open={renew.data !== undefined}
        onOpenChange={() => renew.reset()}
        secret={renew.data?.secret ?? ''}
      />
    </>
  );
}

function Remove({ webhook, onGone }: { webhook: Webhook; onGone: () => void }) {
  const client = useQueryClient();
  const [asking, setAsking] = useState(false);
  const remove = useMutation({
    mutationKey: webhookKeys.removal(webhook.id),
    mutationFn: () => webhooks.remove(webhook.id),
    onMutate: () => client.cancelQueries({ queryKey: webhookKeys.deliveries(webhook.id) }),
    onError: (error) => toast.error(messageOf(error)),
    onSuccess: () => {
      toast.success('Webhook deleted');
      onGone();
    },
    onSettled: () => void client.invalidateQueries({ queryKey: webhookKeys.all }),
  });
  return (
    <>
      <Button tone="ghost" onClick={() => setAsking(true)}>
        Delete
      </Button>
      <Confirm
        open={asking}
        onOpenChange={setAsking}
        title="Delete this webhook?"
        verb="Delete webhook"
        busy={remove.isPending}
        onConfirm={() => remove.mutate()}
      >
        {hostOf(webhook.url)} is told nothing any more. What waits for it is not sent.
      </Confirm>
    </>
  );
}
