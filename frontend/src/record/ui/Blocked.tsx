import { Link } from '@tanstack/react-router';
import { LockOpen, MonitorX } from 'lucide-react';
import { useTitle } from '@/app/title';
import { Button } from '@/ui';
import type { Obstacle } from '../environment';

/** Why nothing can be recorded here, and what to do about it. */
export function Blocked({ obstacle }: { obstacle: Obstacle }) {
  useTitle('Recording is not possible here');
  const Icon = obstacle.kind === 'insecure' ? LockOpen : MonitorX;
  return (
    <section className="mx-auto max-w-xl animate-fade py-8 sm:py-16">
      <div className="mb-6 grid size-16 place-items-center rounded-2xl bg-warn-soft text-warn">
        <Icon aria-hidden className="size-7" />
      </div>
      <h1 className="text-2xl font-semibold">{obstacle.title}</h1>
      <p className="mt-3 text-pretty text-muted">{obstacle.why}</p>
      <h2 className="mt-8 font-semibold">What you can do</h2>
      <ul className="mt-3 list-disc space-y-2 pl-5 break-words text-pretty">
        {obstacle.steps.map((step) => (
          <li key={step}>{step}</li>
        ))}
      </ul>
      <div className="mt-8">
        <Button asChild>
          <Link to="/">Back to the library</Link>
        </Button>
      </div>
    </section>
  );
}
