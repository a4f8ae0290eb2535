import { useSearch } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { type Security as Ways, useSecurity, useSession } from '@/api';
import { troubleOf } from '@/auth/step';
import { Notice } from '@/ui';
import { RowsPending } from '../rows';
import { Identities } from './Identities';
import { Passkeys } from './Passkeys';
import { Proof } from './Proof';
import { SecondFactor } from './SecondFactor';
import { Sessions } from './Sessions';

/** By what one's account can be signed in to, and where it is. */
export function Security() {
  const { data, error } = useSecurity();
  const trouble = troubleOf(useSearch({ from: '/member/settings' }).trouble);
  return (
    <Proof>
      <div className="grid gap-9">
        {trouble && <Notice tone="danger">{trouble}</Notice>}
        {data ? <All ways={data} /> : <RowsPending error={error} />}
      </div>
    </Proof>
  );
}

function All({ ways }: { ways: Ways }) {
  const methods = useSession().data?.sign_in;
  return (
    <>
      {(methods?.passkey || ways.passkeys.length > 0) && (
        <Part
          title="Passkeys"
          hint="Your device signs you in, by finger, face or number. Nothing to remember, nothing to phish."
        >
          <Passkeys passkeys={ways.passkeys} />
        </Part>
      )}
      <Part
        title="Codes of an app"
        hint="A second step when you sign in with a password or a link."
      >
        <SecondFactor on={ways.second_factor} left={ways.recovery_codes} />
      </Part>
      {(methods?.oidc || ways.identities.length > 0) && (
        <Part title="Linked accounts" hint="Accounts of another service that open this one.">
          <Identities identities={ways.identities} service={methods?.oidc ?? ''} />
        </Part>
      )}
      <Part title="Sessions" hint="Where you are signed in now.">
        <Sessions sessions={ways.sessions} />
      </Part>
    </>
  );
}

function Part({ title, hint, children }: { title: string; hint: string; children: ReactNode }) {
  return (
    <div className="grid gap-4">
      <div>
        <h3 className="text-sm font-semibold">{title}</h3>
        <p className="text-sm text-pretty text-muted">{hint}</p>
      </div>
      {children}
    </div>
  );
}
