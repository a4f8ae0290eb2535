import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useId, useState } from 'react';
import { messageOf, type NewFactor, security, securityKey } from '@/api';
import { Button, copyWithToast, Dialog, Field } from '@/ui';
import { useProof } from './proof';

type Props = {
  factor: NewFactor;
  onDone: (recoveryCodes: string[]) => void;
  onCancel: () => void;
};

/** Brings the secret into an app and waits for the first code. */
export function SetUpCodes({ factor, onDone, onCancel }: Props) {
  const form = useId();
  const [code, setCode] = useState('');
  const client = useQueryClient();
  const proof = useProof();
  const confirm = useMutation({
    mutationFn: () => proof(() => security.confirmCodes(code.trim())),
    onSuccess: (made) => {
      void client.invalidateQueries({ queryKey: securityKey });
      onDone(made.recovery_codes);
    },
    onError: () => setCode(''),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (code.trim()) confirm.mutate();
  };
  return (
    <Dialog
      open
      onOpenChange={onCancel}
      title="Scan this with your app"
      description="Any authenticator app will do. Then type the code that it shows."
      actions={
        <>
          <Button onClick={onCancel}>Cancel</Button>
          <Button type="submit" form={form} tone="primary" busy={confirm.isPending}>
            Turn on
          </Button>
        </>
      }
    >
      <div className="grid gap-5">
        <Picture factor={factor} />
        <div className="flex flex-wrap items-center justify-between gap-3 rounded-xl bg-sunken px-4 py-3">
          <code className="min-w-0 text-sm break-all select-all">{factor.secret}</code>
          <Button size="sm" onClick={() => void copyWithToast(factor.secret, 'Secret copied')}>
            Copy
          </Button>
        </div>
        <form id={form} noValidate onSubmit={submit}>
          <Field
            label="Code"
            inputMode="numeric"
            autoComplete="one-time-code"
            maxLength={7}
            error={confirm.error ? messageOf(confirm.error) : undefined}
            value={code}
            onChange={(event) => setCode(event.target.value)}
          />
        </form>
      </div>
    </Dialog>
  );
}

const quietZone = 4; // modules around a QR code that stay white (ISO/IEC 18004)

/** Black on white in either theme: cameras want it so. */
function Picture({ factor }: { factor: NewFactor }) {
  const size = factor.size + 2 * quietZone;
  return (
    <svg
      role="img"
      aria-label="QR code; its secret stands below as text"
      viewBox={`${-quietZone} ${-quietZone} ${size} ${size}`}
      shapeRendering="crispEdges"
      className="mx-auto w-52 rounded-xl bg-white text-black"
    >
      <path d={factor.picture} fill="currentColor" />
    </svg>
  );
}
