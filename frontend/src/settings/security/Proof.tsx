import { useQueryClient } from '@tanstack/react-query';
import { Fingerprint } from 'lucide-react';
import { type FormEvent, type ReactNode, useCallback, useId, useState } from 'react';
import { ApiError, entrance, messageOf, useSecurity, useSession } from '@/api';
import { passkeysWork, signWithPasskey } from '@/auth/passkey';
import { Button, Dialog, Field, Notice } from '@/ui';
import { type Guarded, NotProved, ProofContext } from './proof';

type Waiting = { done: () => void; cancel: () => void };

/** Lets what is inside ask who is there before it changes who can sign in. */
export function Proof({ children }: { children: ReactNode }) {
  const [waiting, setWaiting] = useState<Waiting | null>(null);
  const client = useQueryClient();
  const guarded: Guarded = useCallback(
    async (run) => {
      try {
        return await run();
      } catch (error) {
        if (!(error instanceof ApiError) || error.code !== 'proof') throw error;
      }
      await new Promise<void>((done, refuse) => {
        setWaiting({ done, cancel: () => refuse(new NotProved()) });
      }).finally(() => setWaiting(null));
      void client.invalidateQueries({ queryKey: ['security'] });
      return run();
    },
    [client],
  );
  return (
    <ProofContext value={guarded}>
      {children}
      {waiting && <Ask onDone={waiting.done} onCancel={waiting.cancel} />}
    </ProofContext>
  );
}

function Ask({ onDone, onCancel }: { onDone: () => void; onCancel: () => void }) {
  const known = useSecurity().data;
  const offered = useSession().data?.sign_in.passkey && passkeysWork();
  const passkey = Boolean(offered && known?.passkeys.length);
  const [refused, setRefused] = useState('');
  const [busy, setBusy] = useState(false);
  const form = useId();
  const attempt = async (proof: () => Promise<boolean>) => {
    setBusy(true);
    setRefused('');
    try {
      if (await proof()) onDone();
    } catch (error) {
      setRefused(messageOf(error));
    } finally {
      setBusy(false);
    }
  };
  const sign = async () => {
    const credential = await signWithPasskey();
    if (credential) await entrance.prove({ credential });
    return credential !== null;
  };
  const password = known?.has_password;
  return (
    <Dialog
      open
      onOpenChange={onCancel}
      title="Is it still you?"
      description="This changes who can get into your account, so please confirm it."
      actions={
        <>
          <Button onClick={onCancel}>Cancel</Button>
          {password && (
            <Button type="submit" form={form} tone="primary" busy={busy}>
              Confirm
            </Button>
          )}
        </>
      }
    >
      <div className="grid gap-5">
        {refused && <Notice tone="danger">{refused}</Notice>}
        {passkey && (
          <Button disabled={busy} onClick={() => void attempt(sign)}>
            <span className="flex items-center gap-2.5">
              <Fingerprint aria-hidden className="size-4.5 text-muted" />
              Use a passkey
            </span>
          </Button>
        )}
        {password && (
          <PasswordProof
            id={form}
            code={known.second_factor}
            onSubmit={(typed) => void attempt(() => entrance.prove(typed).then(() => true))}
          />
        )}
        {!password && !passkey && (
          <Notice>Sign out and in again, then you can do this for ten minutes.</Notice>
        )}
      </div>
    </Dialog>
  );
}

type Typed = { password: string; code?: string };

function PasswordProof(props: { id: string; code: boolean; onSubmit: (typed: Typed) => void }) {
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    event.stopPropagation(); // a portal's events reach the forms around it
    props.onSubmit({ password, code: code.trim() || undefined });
  };
  return (
    <form id={props.id} noValidate onSubmit={submit} className="grid gap-5">
      <Field
        label="Your password"
        type="password"
        autoComplete="current-password"
        value={password}
        onChange={(event) => setPassword(event.target.value)}
      />
      {props.code && (
        <Field
          label="Code of your app, or a recovery code"
          autoComplete="one-time-code"
          autoCapitalize="none"
          spellCheck={false}
          value={code}
          onChange={(event) => setCode(event.target.value)}
        />
      )}
    </form>
  );
}
