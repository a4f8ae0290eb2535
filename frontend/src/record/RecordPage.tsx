import { Link } from '@tanstack/react-router';
import { Eye } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useMyWorkspace } from '@/api';
import { useTitle } from '@/app/title';
import { Button, EmptyState } from '@/ui';
import { look, obstacle } from './environment';
import type { State } from './machine';
import { Recorder } from './recorder';
import { Blocked } from './ui/Blocked';
import { Choose } from './ui/Choose';
import { Finishing } from './ui/Finishing';
import { LeaveGuard } from './ui/LeaveGuard';
import { RecorderContext, useSnapshot } from './ui/recorder-context';
import { Studio } from './ui/Studio';

/** The page at /record. */
export function RecordPage() {
  const [blocked] = useState(() => obstacle(look()));
  const { mayRecord, known } = useMyWorkspace();
  if (known && !mayRecord) return <OnlyWatching />;
  return (
    <div className="mx-auto max-w-270 px-4 pt-6 pb-24 sm:px-6 sm:pt-10">
      {blocked ? <Blocked obstacle={blocked} /> : <WithRecorder />}
    </div>
  );
}

function OnlyWatching() {
  return (
    <EmptyState
      picture={<Eye aria-hidden />}
      title="You watch and comment here"
      action={
        <Button tone="primary" asChild>
          <Link to="/">Go to the library</Link>
        </Button>
      }
    >
      To record, ask an admin of the workspace to make you a member.
    </EmptyState>
  );
}

function WithRecorder() {
  const [recorder] = useState(() => new Recorder());
  useEffect(() => recorder.attach(), [recorder]);
  return (
    <RecorderContext value={recorder}>
      <Scene />
      <LeaveGuard />
    </RecorderContext>
  );
}

// Seen in the row of tabs while another one is being shown.
const titles: Partial<Record<State['name'], string>> = {
  recording: '● Recording',
  paused: '❚❚ Paused',
  finishing: 'Sending…',
};

function Scene() {
  const { name } = useSnapshot().state;
  useTitle(titles[name] ?? 'New recording');
  switch (name) {
    case 'idle':
    case 'choosing':
      return <Choose />;
    case 'ready':
    case 'countdown':
    case 'recording':
    case 'paused':
    case 'stopping':
      return <Studio />;
    case 'finishing':
    case 'done':
    case 'failed':
      return <Finishing />;
  }
}
