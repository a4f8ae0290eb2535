import { Fingerprint, Mail, ShieldCheck } from 'lucide-react';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { entrance, messageOf, type Methods } from '@/api';
import { Button } from '@/ui';
import { passkeysFillIn, passkeysWork, signWithPasskey } from './passkey';
import { goOn } from './step';

type Props = {
  methods: Methods;
  next?: string;
  onTrouble: (sentence: string) => void;
  onMail: () => Promise<void>;
};

/** The ways in beside a password, as far as this server and this browser have them. */
export function OtherWays({ methods, next, onTrouble, onMail }: Props) {
  const passkey = methods.passkey && passkeysWork();
  const usePasskey = usePasskeys(passkey, next, onTrouble);
  if (!passkey && !methods.oidc && !methods.link) return null;
  const abroad = async () => {
    const { url } = await entrance.abroad(next);
    location.assign(url);
  };
  return (
    <div className="mt-7">
      <Divider />
      <div className="mt-6 grid gap-3">
        {passkey && (
          <Way icon={<Fingerprint />} onTrouble={onTrouble} run={usePasskey}>
            Use a passkey
          </Way>
        )}
        {methods.oidc && (
          <Way icon={<ShieldCheck />} onTrouble={onTrouble} run={abroad}>
            {`Continue with ${methods.oidc}`}
          </Way>
        )}
        {methods.link && (
          <Way icon={<Mail />} onTrouble={onTrouble} run={onMail}>
            Mail me a link
          </Way>
        )}
      </div>
      {methods.link && (
        <p className="mt-3 text-sm text-muted">
          The link also helps if you have forgotten your password.
        </p>
      )}
    </div>
  );
}

function Divider() {
  return (
    <div className="flex items-center gap-4 text-sm text-muted">
      <span className="h-px grow bg-line" />
      or
      <span className="h-px grow bg-line" />
    </div>
  );
}

type WayProps = {
  icon: ReactNode;
  children: string;
  run: () => Promise<void>;
  onTrouble: (sentence: string) => void;
};

function Way({ icon, children, run, onTrouble }: WayProps) {
  const [busy, setBusy] = useState(false);
  const go = async () => {
    onTrouble('');
    setBusy(true);
    try {
      await run();
    } catch (error) {
      onTrouble(messageOf(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Button busy={busy} onClick={() => void go()}>
      <span className="flex items-center gap-2.5 [&_svg]:size-4.5 [&_svg]:text-muted">
        {icon}
        {children}
      </span>
    </Button>
  );
}

/** Offers passkeys where the browser fills in names, and on demand: a browser shows one of the two at a time. */
function usePasskeys(offered: boolean, next: string | undefined, onTrouble: Props['onTrouble']) {
  const filling = useRef<AbortController>(undefined);
  const said = useRef(onTrouble);
  useEffect(() => {
    said.current = onTrouble;
  });
  useEffect(() => {
    if (!offered) return;
    const stop = new AbortController();
    filling.current = stop;
    const fill = async () => {
      if (!(await passkeysFillIn()) || stop.signal.aborted) return;
      const credential = await signWithPasskey({ fillIn: true, signal: stop.signal });
      if (credential) goOn(await entrance.byPasskey(credential), next);
    };
    fill().catch((error: unknown) => {
      if (!stop.signal.aborted) said.current(messageOf(error));
    });
    return () => stop.abort();
  }, [offered, next]);
  return async () => {
    filling.current?.abort();
    const credential = await signWithPasskey();
    if (credential) goOn(await entrance.byPasskey(credential), next);
  };
}
