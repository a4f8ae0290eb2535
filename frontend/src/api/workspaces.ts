import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useSession } from './hooks';
import { request } from './request';
import type { components } from './schema';
import type { Page } from './types';

type Schemas = components['schemas'];

export type Role = Schemas['Member']['role'];
export type Member = Schemas['Member'];
export type WorkspaceDetails = Schemas['WorkspaceDetails'];
export type WorkspaceChange = Schemas['WorkspaceInputBody'];
export type AuditEntry = Schemas['AuditEntry'];

const at = (id: string, rest = '') => `/api/workspaces/${encodeURIComponent(id)}${rest}`;
const member = (id: string, account: string) => at(id, `/members/${encodeURIComponent(account)}`);

export const workspaces = {
  create: (name: string) =>
    request<WorkspaceDetails>('/api/workspaces', { method: 'POST', body: { name } }),
  get: (id: string, signal?: AbortSignal) => request<WorkspaceDetails>(at(id), { signal }),
  update: (id: string, body: WorkspaceChange) =>
    request<WorkspaceDetails>(at(id), { method: 'PATCH', body }),
  /** All videos of it go, for good; the name is repeated as a precaution. */
  remove: (id: string, name: string) => request<void>(at(id), { method: 'DELETE', body: { name } }),
  switch: (id: string) => request<void>('/api/account/workspace', { method: 'PUT', body: { id } }),
  members: (id: string, signal?: AbortSignal) =>
    request<{ items: Member[] }>(at(id, '/members'), { signal }),
  changeRole: (id: string, account: string, role: Role) =>
    request<void>(member(id, account), { method: 'PATCH', body: { role } }),
  removeMember: (id: string, account: string, heir?: string) =>
    request<void>(member(id, account), { method: 'DELETE', query: { heir } }),
  join: (token: string) =>
    request<WorkspaceDetails>('/api/invitations/join', { method: 'POST', body: { token } }),
};

export const embedOrigins = {
  get: (signal?: AbortSignal) =>
    request<{ origins: string[] }>('/api/workspace/embed-origins', { signal }),
  set: (origins: string[]) =>
    request<{ origins: string[] }>('/api/workspace/embed-origins', {
      method: 'PUT',
      body: { origins },
    }),
};

export type AuditFilter = {
  action?: string;
  account?: string;
  video?: string;
  since?: string;
  until?: string;
};

export const audit = {
  list: (query: AuditFilter & { cursor?: string }, signal?: AbortSignal) =>
    request<Page<AuditEntry>>('/api/audit', { query, signal }),
  /** Where the same is saved as a file. */
  exportUrl: (format: 'csv' | 'json', filter: AuditFilter): string => {
    const set = Object.entries({ format, ...filter }).filter(([, value]) => value);
    return `/api/audit/export?${new URLSearchParams(set)}`;
  },
};

export const workspaceKeys = {
  one: (id: string) => ['workspaces', id] as const,
  members: (id: string) => ['workspaces', id, 'members'] as const,
  origins: ['embed-origins'] as const,
  audit: (filter: AuditFilter) => ['audit', filter] as const,
};

const ranks: Record<Role, number> = { viewer: 1, member: 2, admin: 3, owner: 4 };

export const atLeast = (role: Role | '' | undefined, other: Role): boolean =>
  Boolean(role) && ranks[role as Role] >= ranks[other];

/** The workspace one works in, and what one is there; id '' for somebody who belongs to none. */
export function useMyWorkspace() {
  const session = useSession().data;
  const account = session?.account;
  const id = account?.workspace_id ?? '';
  const role = account?.role as Role | '' | undefined;
  return {
    id,
    name: session?.workspaces.find((workspace) => workspace.id === id)?.name ?? '',
    all: session?.workspaces ?? [],
    isAdmin: atLeast(role, 'admin'),
    isOwner: role === 'owner',
    /** Viewers watch and comment; guests belong nowhere. */
    mayRecord: atLeast(role, 'member'),
    known: Boolean(account),
  };
}

export function useWorkspace() {
  const { id } = useMyWorkspace();
  return useQuery({
    queryKey: workspaceKeys.one(id),
    queryFn: ({ signal }) => workspaces.get(id, signal),
    enabled: id !== '',
  });
}

export function useMembers() {
  const { id } = useMyWorkspace();
  return useQuery({
    queryKey: workspaceKeys.members(id),
    queryFn: ({ signal }) => workspaces.members(id, signal),
    enabled: id !== '',
  });
}

export function useAudit(filter: AuditFilter) {
  return useInfiniteQuery({
    queryKey: workspaceKeys.audit(filter),
    queryFn: ({ pageParam, signal }) => audit.list({ ...filter, cursor: pageParam }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
}
