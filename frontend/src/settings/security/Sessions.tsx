import { Globe } from 'lucide-react';
import { type OpenSession, security } from '@/api';
import { Ago, Badge, Button } from '@/ui';
import { Row, Rows } from '../rows';
import { useChange } from './useChange';

const methods: Record<string, string> = {
  password: 'password',
  passkey: 'passkey',
  oidc: 'another service',
  link: 'mailed link',
};

function byWhat(method: string): string {
  const [first = '', second] = method.split('+');
  return (methods[first] ?? 'password') + (second ? ' and code' : '');
}

export function Sessions({ sessions }: { sessions: OpenSession[] }) {
  const end = useChange(security.endSession, 'Signed out there');
  const endOthers = useChange(() => security.endOthers(), 'Signed out everywhere else');
  return (
    <div className="grid gap-4">
      <Rows label="Browsers that are signed in">
        {sessions.map((session) => (
          <Row
            key={session.id}
            lead={<Globe aria-hidden className="size-4.5 shrink-0 text-muted" />}
            title={session.device}
            detail={
              <>
                {session.address} · by {byWhat(session.method)}
                {session.seen_at && !session.current && (
                  <>
                    {' '}
                    · seen <Ago iso={session.seen_at} />
                  </>
                )}
              </>
            }
            action={
              session.current ? (
                <Badge tone="accent">This one</Badge>
              ) : (
                <Button
                  size="sm"
                  tone="ghost"
                  aria-label={`Sign out ${session.device}`}
                  onClick={() => end.mutate(session.id)}
                >
                  Sign out
                </Button>
              )
            }
          />
        ))}
      </Rows>
      {sessions.length > 1 && (
        <Button
          busy={endOthers.isPending}
          onClick={() => endOthers.mutate(undefined)}
          className="justify-self-start"
        >
          Sign out everywhere else
        </Button>
      )}
    </div>
  );
}
