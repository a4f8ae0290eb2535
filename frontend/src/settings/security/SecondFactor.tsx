import { useState } from 'react';
import { type NewFactor, security } from '@/api';
import { Button, Confirm, Notice, plural } from '@/ui';
import { RecoveryCodes } from './RecoveryCodes';
import { SetUpCodes } from './SetUpCodes';
import { useChange } from './useChange';

const few = 3;

/** Codes of an app as the second step after a password, a link or another service. */
export function SecondFactor({ on, left }: { on: boolean; left: number }) {
  const [factor, setFactor] = useState<NewFactor | null>(null);
  const [codes, setCodes] = useState<string[] | null>(null);
  const [leaving, setLeaving] = useState(false);
  const begin = useChange(async () => setFactor(await security.beginCodes()));
  const renew = useChange(async () => setCodes((await security.renewRecovery()).recovery_codes));
  const drop = useChange(() => security.dropCodes(), 'Codes are off');
  return (
    <div className="grid gap-4">
      <p className="text-pretty">
        {on
          ? `On. Signing in takes a code of your app, too. You have ${plural(left, 'recovery code')} left.`
          : 'Off. With codes of an app, a password alone opens nothing.'}
      </p>
      {on && left < few && (
        <Notice tone="warn">Make new recovery codes before the last one is used.</Notice>
      )}
      <div className="flex flex-wrap gap-3">
        {!on && (
          <Button busy={begin.isPending} onClick={() => begin.mutate(undefined)}>
            Turn on codes
          </Button>
        )}
        {on && (
          <>
            <Button busy={renew.isPending} onClick={() => renew.mutate(undefined)}>
              New recovery codes
            </Button>
            <Button tone="ghost" onClick={() => setLeaving(true)}>
              Turn off codes
            </Button>
          </>
        )}
      </div>
      {factor && (
        <SetUpCodes
          factor={factor}
          onDone={(made) => {
            setFactor(null);
            setCodes(made);
          }}
          onCancel={() => setFactor(null)}
        />
      )}
      {codes && <RecoveryCodes codes={codes} onDone={() => setCodes(null)} />}
      <Confirm
        open={leaving}
        onOpenChange={setLeaving}
        title="Turn off codes?"
        verb="Turn off"
        busy={drop.isPending}
        onConfirm={() => {
          setLeaving(false);
          drop.mutate(undefined);
        }}
      >
        Your password alone will be enough again, and the recovery codes are void.
      </Confirm>
    </div>
  );
}
