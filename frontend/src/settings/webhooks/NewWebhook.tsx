import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useId } from 'react';
import { webhookKeys, webhooks } from '@/api';
import { Button, Dialog } from '@/ui';
import { Secret } from './Secret';
import { WebhookForm } from './WebhookForm';

type Props = { open: boolean; onOpenChange: (open: boolean) => void };

/** Makes a webhook and shows its secret. */
export function NewWebhook({ open, onOpenChange }: Props) {
  const client = useQueryClient();
  const form = useId();
  const create = useMutation({
    mutationFn: webhooks.create,
    onSuccess: () => void client.invalidateQueries({ queryKey: webhookKeys.all }),
  });
  const change = (next: boolean) => {
    if (!next) create.reset(); // The secret does not outlive the dialog.
    onOpenChange(next);
  };
  const secret = create.data?.secret;
  if (secret) return <Secret open={open} onOpenChange={change} secret={secret} />;
  return (
    <Dialog
      open={open}
      onOpenChange={change}
      title="New webhook"
      description="A program of yours is told of events here, by signed messages over https."
      actions={
        <>
          <Button onClick={() => change(false)}>Cancel</Button>
          <Button type="submit" form={form} tone="primary" busy={create.isPending}>
            Create webhook
          </Button>
        </>
      }
    >
      <WebhookForm id={form} error={create.error} onSubmit={create.mutate} />
    </Dialog>
  );
}
