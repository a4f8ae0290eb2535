import type { QueryClient } from '@tanstack/react-query';
import { keys, session, type Session } from '@/api';

/** Who is asking, from what is known already or from the server. */
export function readSession(client: QueryClient): Promise<Session> {
  return client.ensureQueryData({
    queryKey: keys.session,
    queryFn: ({ signal }) => session.get(signal),
    staleTime: 5 * 60_000,
  });
}

/** A path of this site to go on to, or undefined: a link must not be able to send people elsewhere after signing in. */
export function inside(next: unknown): string | undefined {
  if (typeof next !== 'string' || !/^\/[^/\\]/.test(next)) return undefined;
  const url = URL.canParse(next, location.origin) ? new URL(next, location.origin) : null;
  if (!url || url.origin !== location.origin) return undefined;
  return url.pathname + url.search + url.hash;
}
