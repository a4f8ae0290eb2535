import { useSession } from '@/api';
import { NotFoundPage } from '@/app/ErrorPages';
import { useTitle } from '@/app/title';
import { Checks } from './Checks';
import { Failures } from './Failures';
import { Missing } from './Missing';
import { Part } from './Part';
import { Queues } from './Queues';
import { Storage } from './Storage';
import { Trends } from './Trends';
import { Versions } from './Versions';
import { Workers } from './Workers';

/** The whole installation, for those who look after it. To everybody else it is not there. */
export function AdminPage() {
  const account = useSession().data?.account;
  if (!account?.operator) return <NotFoundPage />;
  return <Overview />;
}

function Overview() {
  useTitle('Administration');
  return (
    <div className="mx-auto max-w-6xl px-4 pt-7 pb-24 sm:px-6 sm:pt-10">
      <h1 className="text-2xl font-semibold">Administration</h1>
      <p className="mt-1 max-w-2xl text-pretty text-muted">
        This installation as a whole: all workspaces, servers and workers.
      </p>
      <div className="mt-7 grid gap-10">
        <Checks />
        <Missing />
        <Trends />
        <div className="grid gap-10 lg:grid-cols-2">
          <Part id="queues" title="Queues">
            <Queues />
          </Part>
          <Part id="workers" title="Workers">
            <Workers />
          </Part>
        </div>
        <Failures />
        <Part id="storage" title="Storage">
          <Storage />
        </Part>
        <Part id="versions" title="Versions">
          <Versions />
        </Part>
      </div>
    </div>
  );
}
