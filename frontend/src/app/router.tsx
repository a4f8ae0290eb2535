import type { QueryClient } from '@tanstack/react-query';
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router';
import type { VideoFilter } from '@/api';
import { LoadingArea } from '@/ui';
import { AppShell } from './AppShell';
import { ErrorPage, NotFoundPage } from './ErrorPages';
import { inside, readSession } from './guard';

const root = createRootRouteWithContext<{ queryClient: QueryClient }>()({
  component: Outlet,
  notFoundComponent: NotFoundPage,
  errorComponent: ErrorPage,
});

/** Everything that needs an account. */
const member = createRoute({
  getParentRoute: () => root,
  id: 'member',
  component: AppShell,
  beforeLoad: async ({ context, location }) => {
    const session = await readSession(context.queryClient);
    if (session.account) return;
    if (session.setup_needed) throw redirect({ to: '/setup', replace: true });
    const next = location.href === '/' ? undefined : location.href;
    throw redirect({ to: '/sign-in', search: { next }, replace: true });
  },
});

export type LibrarySearch = { show?: VideoFilter; q?: string };
const filters: readonly unknown[] = ['mine', 'all', 'shared', 'trash'];

const library = createRoute({
  getParentRoute: () => member,
  path: '/',
  component: lazyRouteComponent(() => import('@/library/LibraryPage'), 'LibraryPage'),
  validateSearch: (search: Record<string, unknown>): LibrarySearch => ({
    show: filters.includes(search.show) ? (search.show as VideoFilter) : undefined,
    q: search.q ? String(search.q).slice(0, 200) : undefined,
  }),
});

const record = createRoute({
  getParentRoute: () => member,
  path: '/record',
  component: lazyRouteComponent(() => import('@/record/RecordPage'), 'RecordPage'),
});

const settings = createRoute({
  getParentRoute: () => member,
  path: '/settings',
  component: lazyRouteComponent(() => import('@/settings/SettingsPage'), 'SettingsPage'),
  validateSearch: (search: Record<string, unknown>): { trouble?: string } => ({
    trouble: search.trouble ? String(search.trouble) : undefined,
  }),
});

/** The whole installation; to whoever does not look after it the page says that there is nothing. */
const admin = createRoute({
  getParentRoute: () => member,
  path: '/admin',
  component: lazyRouteComponent(() => import('@/admin/AdminPage'), 'AdminPage'),
});

const inbox = createRoute({
  getParentRoute: () => member,
  path: '/inbox',
  component: lazyRouteComponent(() => import('@/inbox/InboxPage'), 'InboxPage'),
});

/** Where the mail about a request leads; it asks for one more click. */
const request = createRoute({
  getParentRoute: () => member,
  path: '/requests/$id',
  component: lazyRouteComponent(() => import('@/inbox/RequestPage'), 'RequestPage'),
});

const setup = createRoute({
  getParentRoute: () => root,
  path: '/setup',
  component: lazyRouteComponent(() => import('@/auth/SetupPage'), 'SetupPage'),
  validateSearch: (search: Record<string, unknown>): { token?: string } => ({
    token: search.token ? String(search.token) : undefined,
  }),
});

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  component: lazyRouteComponent(() => import('@/auth/SignInPage'), 'SignInPage'),
  validateSearch: (search: Record<string, unknown>): { next?: string; trouble?: string } => ({
    next: inside(search.next),
    trouble: search.trouble ? String(search.trouble) : undefined,
  }),
  beforeLoad: async ({ context, search }) => {
    const session = await readSession(context.queryClient);
    if (session.account) throw redirect({ href: search.next ?? '/', replace: true });
    if (session.setup_needed) throw redirect({ to: '/setup', replace: true });
  },
});

const step = (search: Record<string, unknown>): { next?: string } => ({
  next: inside(search.next),
});

const signInCode = createRoute({
  getParentRoute: () => root,
  path: '/sign-in/code',
  component: lazyRouteComponent(() => import('@/auth/CodePage'), 'CodePage'),
  validateSearch: step,
});

const signInLink = createRoute({
  getParentRoute: () => root,
  path: '/sign-in/link',
  component: lazyRouteComponent(() => import('@/auth/LinkPage'), 'LinkPage'),
});

const invite = createRoute({
  getParentRoute: () => root,
  path: '/invite/$token',
  component: lazyRouteComponent(() => import('@/auth/InvitePage'), 'InvitePage'),
});

const docs = createRoute({
  getParentRoute: () => root,
  path: '/api/docs',
  component: lazyRouteComponent(() => import('@/docs/DocsPage'), 'DocsPage'),
});

const tree = root.addChildren([
  member.addChildren([library, record, inbox, request, settings, admin]),
  setup,
  signIn,
  signInCode,
  signInLink,
  invite,
  docs,
]);

export function makeRouter(queryClient: QueryClient) {
  return createRouter({
    routeTree: tree,
    context: { queryClient },
    defaultPreload: 'intent',
    defaultPendingComponent: LoadingArea,
    defaultPendingMs: 300,
    scrollRestoration: true,
  });
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
