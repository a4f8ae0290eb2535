import { Link, useRouterState } from '@tanstack/react-router';
import { Video } from 'lucide-react';
import { useMyWorkspace } from '@/api';
import { Bell } from '@/inbox/Bell';
import { Button, Logo } from '@/ui';
import { AccountMenu } from './AccountMenu';
import { SearchBox } from './SearchBox';

/** Home, search, record, inbox, account: the same on every page. */
export function TopBar() {
  const { mayRecord } = useMyWorkspace();
  const path = useRouterState({ select: (state) => state.location.pathname });
  return (
    <header className="sticky top-0 z-30 border-b border-line bg-canvas/85 backdrop-blur-md">
      <div className="mx-auto flex h-16 max-w-340 items-center gap-2 px-4 sm:gap-4 sm:px-6 lg:px-8">
        <Link to="/" aria-label="Meanwhile, library" className="flex rounded-xl">
          <Logo compact />
        </Link>
        <div className="flex grow justify-end sm:justify-center">
          <SearchBox key={path} />
        </div>
        {path !== '/record' && mayRecord && (
          <Button tone="primary" size="sm" asChild className="max-sm:w-11 max-sm:px-0!">
            <Link to="/record" aria-label="New recording">
              <Video aria-hidden className="size-4.5" />
              <span className="max-sm:hidden">New recording</span>
            </Link>
          </Button>
        )}
        <Bell />
        <AccountMenu />
      </div>
    </header>
  );
}
