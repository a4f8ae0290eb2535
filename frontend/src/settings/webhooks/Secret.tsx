import { Button, copyWithToast, Dialog } from '@/ui';

type Props = { open: boolean; onOpenChange: (open: boolean) => void; secret: string };

/** Shows what signs messages, this once. */
export function Secret({ open, onOpenChange, secret }: Props) {
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title="The webhook’s secret"
      description="Your receiver checks the signature of each message with it. Copy it now: it is shown only this once."
      actions={
        <>
          <Button onClick={() => void copyWithToast(secret, 'Secret copied')}>Copy</Button>
          <Button tone="primary" onClick={() => onOpenChange(false)}>
            Done
          </Button>
        </>
      }
    >
      <code className="block rounded-xl bg-sunken px-4 py-3 text-sm break-all select-all">
        {secret}
      </code>
    </Dialog>
  );
}
