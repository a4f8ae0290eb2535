import { Outlet, useNavigate, useRouterState } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { useSession } from '@/api';
import { Notice } from '@/ui';
import { useLibraryEvents } from '@/library/live';
import { UploadPanel } from '@/upload';
import { TopBar } from './TopBar';

/** The frame around every page of somebody who is signed in. */
export function AppShell() {
  const main = useRef<HTMLElement>(null);
  useLeaveWhenSignedOut();
  useLibraryEvents();
  useFocusOnNavigation(main);
  return (
    <>
      <a
        href="#main"
        className="sr-only z-50 rounded-xl bg-accent px-4 py-2.5 text-on-accent focus:not-sr-only focus:fixed focus:top-3 focus:left-3"
      >
        Skip to content
      </a>
      <TopBar />
      <Warnings />
      <main id="main" ref={main} tabIndex={-1} className="outline-none">
        <Outlet />
      </main>
      <UploadPanel />
    </>
  );
}

/** What whoever looks after the server must know, for as long as it is so. */
function Warnings() {
  const { data } = useSession();
  return data?.warnings.map((warning) => (
    <div key={warning} className="mx-auto max-w-6xl px-4 pt-4">
      <Notice tone="danger">{warning}</Notice>
    </div>
  ));
}

/** A session that ended elsewhere leads to signing in, but never out of a running recording. */
function useLeaveWhenSignedOut() {
  const { data } = useSession();
  const navigate = useNavigate();
  const location = useRouterState({ select: (state) => state.location });
  useEffect(() => {
    if (!data || data.account || location.pathname.startsWith('/record')) return;
    void navigate({ to: '/sign-in' });
  }, [data, location.pathname, navigate]);
}

/** A screen reader should start at the new page, not at the link that led there. */
function useFocusOnNavigation(main: React.RefObject<HTMLElement | null>) {
  const path = useRouterState({ select: (state) => state.location.pathname });
  const first = useRef(true);
  useEffect(() => {
    if (!first.current) main.current?.focus({ preventScroll: true });
    first.current = false;
  }, [path, main]);
}
