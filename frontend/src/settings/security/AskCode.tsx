import { type FormEvent, useId, useState } from 'react';
import { Button, Dialog, Field } from '@/ui';

type Props = {
  title: string;
  hint: string;
  /** The verb on the button. */
  verb: string;
  onCode: (code: string) => void;
  onCancel: () => void;
};

/** Asks for a code before codes are renewed or turned off. */
export function AskCode({ title, hint, verb, onCode, onCancel }: Props) {
  const form = useId();
  const [code, setCode] = useState('');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (code.trim()) onCode(code.trim());
  };
  return (
    <Dialog
      open
      onOpenChange={onCancel}
      title={title}
      description={hint}
      actions={
        <>
          <Button onClick={onCancel}>Cancel</Button>
          <Button type="submit" form={form} tone="danger">
            {verb}
          </Button>
        </>
      }
    >
      <form id={form} noValidate onSubmit={submit}>
        <Field
          label="Code of your app, or a recovery code"
          autoComplete="one-time-code"
          autoCapitalize="none"
          spellCheck={false}
          value={code}
          onChange={(event) => setCode(event.target.value)}
        />
      </form>
    </Dialog>
  );
}
