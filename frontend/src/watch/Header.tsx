import { Video } from 'lucide-react';
import type { Account } from '@/api';
import { Avatar, Button, Logo } from '@/ui';

/** Home, and who is watching. Plain links: the library is another document. */
export function Header({ account }: { account: Account | null }) {
  return (
    <div className="flex h-16 items-center gap-3 px-4 sm:px-6 lg:px-0">
      <a href="/" aria-label="Meanwhile, library" className="rounded-xl no-underline">
        <Logo />
      </a>
      <span className="grow" />
      {account ? (
        <>
          <Button tone="secondary" size="sm" asChild className="max-sm:w-11 max-sm:px-0!">
            <a href="/record" aria-label="New recording">
              <Video aria-hidden className="size-4.5" />
              <span className="max-sm:hidden">New recording</span>
            </a>
          </Button>
          <a
            href="/settings"
            aria-label={`Account of ${account.name}`}
            className="grid size-11 place-items-center rounded-full hover:bg-sunken"
          >
            <Avatar name={account.name} id={account.id} />
          </a>
        </>
      ) : (
        <Button size="sm" asChild>
          <a href={`/sign-in?next=${encodeURIComponent(location.pathname)}`}>Sign in</a>
        </Button>
      )}
    </div>
  );
}
