import clsx from 'clsx';
import { CircleAlert, CircleCheck, TriangleAlert } from 'lucide-react';
import { type AdminCheck, messageOf, useAdminAbout } from '@/api';
import { Notice, Skeleton } from '@/ui';

const grades = {
  ok: { Icon: CircleCheck, tone: 'text-accent-ink', word: 'Well' },
  warn: { Icon: TriangleAlert, tone: 'text-warn', word: 'Look at this' },
  fail: { Icon: CircleAlert, tone: 'text-danger', word: 'Act on this' },
};

const order = ['fail', 'warn', 'ok'];

/** How the installation is, in words, the worst first. */
export function Checks() {
  const about = useAdminAbout();
  if (!about.data) {
    if (about.error) return <Notice tone="danger">{messageOf(about.error)}</Notice>;
    return <Skeleton className="h-28 rounded-2xl" />;
  }
  const checks = about.data.checks.toSorted(
    (a, b) => order.indexOf(a.status) - order.indexOf(b.status),
  );
  const wrong = checks.filter(({ status }) => status !== 'ok').length;
  return (
    <section aria-labelledby="health-title">
      <h2 id="health-title" className="sr-only">
        Health
      </h2>
      <p className="mb-3 font-medium" role="status">
        {wrong === 0
          ? 'All is well.'
          : wrong === 1
            ? 'One thing needs you.'
            : `${wrong} things need you.`}
      </p>
      <ul className="grid overflow-hidden rounded-2xl border border-line bg-surface sm:grid-cols-2 lg:grid-cols-3">
        {checks.map((check) => (
          <CheckRow key={check.name} check={check} />
        ))}
      </ul>
    </section>
  );
}

function CheckRow({ check }: { check: AdminCheck }) {
  const { Icon, tone, word } = grades[check.status];
  return (
    <li
      className={clsx(
        'flex gap-3 px-4 py-3.5',
        check.status !== 'ok' && 'border-b border-line sm:col-span-full',
      )}
    >
      <Icon aria-hidden className={clsx('mt-0.5 size-4.5 shrink-0', tone)} />
      <div className="min-w-0 text-sm">
        <p className="font-medium">
          {check.name} <span className="sr-only">: {word}.</span>
        </p>
        <p className="text-pretty text-muted">{check.detail}</p>
        {check.advice && <p className="mt-1 text-pretty">{check.advice}</p>}
      </div>
    </li>
  );
}
