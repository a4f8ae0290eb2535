import { useState } from 'react';
import { Button, copyWithToast, Dialog } from '@/ui';

/** The one time that recovery codes are shown. */
export function RecoveryCodes({ codes, onDone }: { codes: string[]; onDone: () => void }) {
  const [kept, setKept] = useState(false);
  return (
    <Dialog
      open
      onOpenChange={onDone}
      title="Your recovery codes"
      description="Each of them gets you in once when your app is out of reach. They are shown only now: print them, or put them where you keep passwords."
      actions={
        <>
          <Button onClick={() => void copyWithToast(codes.join('\n'), 'Codes copied')}>Copy</Button>
          <Button tone="primary" disabled={!kept} onClick={onDone}>
            Done
          </Button>
        </>
      }
    >
      <ul
        aria-label="Recovery codes"
        className="grid gap-x-6 gap-y-1.5 rounded-xl bg-sunken px-4 py-3 font-mono text-sm select-text sm:grid-cols-2"
      >
        {codes.map((code) => (
          <li key={code}>{code}</li>
        ))}
      </ul>
      <label className="mt-4 flex min-h-11 cursor-pointer items-center gap-3">
        <input
          type="checkbox"
          className="size-4.5 accent-accent"
          checked={kept}
          onChange={(event) => setKept(event.target.checked)}
        />
        I have put them away.
      </label>
    </Dialog>
  );
}
