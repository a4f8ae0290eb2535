import { Link, useSearch } from '@tanstack/react-router';
import { Fingerprint } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { entrance, messageOf, useSession } from '@/api';
import { Button, Field, Notice } from '@/ui';
import { AuthLayout } from './AuthLayout';
import { passkeysWork, signWithPasskey } from './passkey';
import { goOn } from './step';

/** The second step of a sign-in. */
export function CodePage() {
  const { next } = useSearch({ from: '/sign-in/code' });
  const passkeys = useSession().data?.sign_in.passkey && passkeysWork();
  const [code, setCode] = useState('');
  const [refused, setRefused] = useState('');
  const [busy, setBusy] = useState(false);
  const attempt = async (run: () => Promise<void>) => {
    setBusy(true);
    setRefused('');
    try {
      await run();
    } catch (error) {
      setRefused(messageOf(error));
      setCode('');
    } finally {
      setBusy(false);
    }
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (code.trim()) void attempt(async () => goOn(await entrance.byCode(code.trim()), next));
  };
  const byPasskey = async () => {
    const credential = await signWithPasskey();
    if (credential) goOn(await entrance.byPasskey(credential), next);
  };
  return (
    <AuthLayout
      title="One more step"
      lead="Your account asks for a code, so that a password alone opens nothing."
      foot={
        <Link
          to="/sign-in"
          search={{ next }}
          className="text-accent-ink underline underline-offset-2"
        >
          Sign in as somebody else
        </Link>
      }
    >
      <form noValidate onSubmit={submit} className="grid gap-5">
        {refused && <Notice tone="danger">{refused}</Notice>}
        <Field
          label="Code"
          hint="The six digits that your app shows, or one of your recovery codes."
          autoComplete="one-time-code"
          autoCapitalize="none"
          spellCheck={false}
          value={code}
          onChange={(event) => setCode(event.target.value)}
        />
        <Button type="submit" tone="primary" busy={busy}>
          Continue
        </Button>
        {passkeys && (
          <Button disabled={busy} onClick={() => void attempt(byPasskey)}>
            <span className="flex items-center gap-2.5">
              <Fingerprint aria-hidden className="size-4.5 text-muted" />
              Use a passkey instead
            </span>
          </Button>
        )}
      </form>
    </AuthLayout>
  );
}
