import { Button, copyWithToast, Dialog } from '@/ui';

type Props = {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  /** What is shown and copied, and what the toast says then. */
  secret: string;
  copied: string;
  title: string;
  description: string;
};

/** Shows a secret, this once. */
export function Secret({ open, onOpenChange, secret, copied, title, description }: Props) {
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title={title}
      description={description}
      actions={
        <>
          <Button onClick={() => void copyWithToast(secret, copied)}>Copy</Button>
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
