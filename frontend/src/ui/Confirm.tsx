import type { ReactNode } from 'react';
import { Button } from './Button';
import { Dialog } from './Dialog';

type Props = {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  children: ReactNode;
  /** The verb on the button: "Revoke", not "OK". */
  verb: string;
  busy?: boolean;
  onConfirm: () => void;
};

/** Asks before something that cannot be undone. What can be undone is done, with an undo in a toast. */
export function Confirm({ open, onOpenChange, title, children, verb, busy, onConfirm }: Props) {
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title={title}
      description={children}
      actions={
        <>
          <Button onClick={() => onOpenChange(false)}>Cancel</Button>
          <Button tone="danger" busy={busy} onClick={onConfirm}>
            {verb}
          </Button>
        </>
      }
    />
  );
}
