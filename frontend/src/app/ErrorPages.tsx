import { type ErrorComponentProps, Link, useRouter } from '@tanstack/react-router';
import { CloudOff, Compass } from 'lucide-react';
import { messageOf } from '@/api';
import { Button, EmptyState } from '@/ui';
import { useTitle } from './title';

export function NotFoundPage() {
  useTitle('Not found');
  return (
    <main>
      <EmptyState
        picture={<Compass aria-hidden />}
        title="There is nothing at this address"
        action={
          <Button tone="primary" asChild>
            <Link to="/">Go to the library</Link>
          </Button>
        }
      >
        The link may be mistyped, or what it led to is gone.
      </EmptyState>
    </main>
  );
}

/** What is shown when a page could not be made: what is wrong, and one way on. */
export function ErrorPage({ error, reset }: ErrorComponentProps) {
  useTitle('Something went wrong');
  const router = useRouter();
  const again = () => {
    reset();
    // A new build on the server has other file names: only a reload finds those.
    if (/dynamically imported module|Importing a module/i.test(String(error))) location.reload();
    else void router.invalidate();
  };
  return (
    <main>
      <EmptyState
        picture={<CloudOff aria-hidden />}
        title="This page could not be shown"
        action={
          <Button tone="primary" onClick={again}>
            Try again
          </Button>
        }
      >
        {messageOf(error)}
      </EmptyState>
    </main>
  );
}
