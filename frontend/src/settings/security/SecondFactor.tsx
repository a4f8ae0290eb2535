import { useState } from 'react';
import { type NewFactor, security } from '@/api';
import { Button, Notice, plural } from '@/ui';
import { AskCode } from './AskCode';
import { RecoveryCodes } from './RecoveryCodes';
import { SetUpCodes } from './SetUpCodes';
import { useChange } from './useChange';

const few = 3;

/** Codes of an app as the second step after a password, a link or another service. */
export function SecondFactor({ on, left }: { on: boolean; left: number }) {
  const [factor, setFactor] = useState<NewFactor | null>(null);
  const [codes, setCodes] = useState<string[] | null>(null);
  const [asking, setAsking] = useState<'renew' | 'drop' | null>(null);
  const begin = useChange(async () => setFactor(await security.beginCodes()));
  const renew = useChange(async (code: string) =>
    setCodes((await security.renewRecovery(code)).recovery_codes),
  );
  const drop = useChange(security.dropCodes, 'Codes are off');
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
            <Button busy={renew.isPending} onClick={() => setAsking('renew')}>
              New recovery codes
            </Button>
            <Button tone="ghost" busy={drop.isPending} onClick={() => setAsking('drop')}>
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
      {asking && (
        <AskCode
          title={asking === 'drop' ? 'Turn off codes?' : 'New recovery codes?'}
          hint={
            asking === 'drop'
              ? 'Your password alone will be enough again, and the recovery codes are void.'
              : 'Those you have are void then.'
          }
          verb={asking === 'drop' ? 'Turn off' : 'Make new ones'}
          onCancel={() => setAsking(null)}
          onCode={(code) => {
            setAsking(null);
            (asking === 'drop' ? drop : renew).mutate(code);
          }}
        />
      )}
    </div>
  );
}
