import { request } from './request';
import type { Account, ApiToken, Invitation, NewApiToken, Session } from './types';

export type NewAccount = { token: string; name: string; email: string; password: string };

export const session = {
  get: (signal?: AbortSignal) => request<Session>('/api/session', { signal }),
  signOut: () => request<void>('/api/session', { method: 'DELETE' }),
  setUp: (body: NewAccount) => request<Account>('/api/setup', { method: 'POST', body }),
};

export const accounts = {
  list: (signal?: AbortSignal) => request<{ items: Account[] }>('/api/accounts', { signal }),
  rename: (name: string) => request<Account>('/api/account', { method: 'PATCH', body: { name } }),
  changePassword: (body: { current_password?: string; new_password: string }) =>
    request<void>('/api/account/password', { method: 'PUT', body }),
};

export const invitations = {
  list: (signal?: AbortSignal) => request<{ items: Invitation[] }>('/api/invitations', { signal }),
  create: (email?: string, role: Invitation['role'] = 'member') =>
    request<Invitation>('/api/invitations', { method: 'POST', body: { email, role } }),
  revoke: (id: string) =>
    request<void>(`/api/invitations/${encodeURIComponent(id)}`, { method: 'DELETE' }),
  lookup: (token: string, signal?: AbortSignal) =>
    request<{ inviter_name: string; workspace: string; role: string; email: string | null }>(
      '/api/invitations/lookup',
      {
        method: 'POST',
        body: { token },
        signal,
      },
    ),
  accept: (body: NewAccount) =>
    request<Account>('/api/invitations/accept', { method: 'POST', body }),
};

export const tokens = {
  list: (signal?: AbortSignal) => request<{ items: ApiToken[] }>('/api/tokens', { signal }),
  create: (body: { name: string; scope: ApiToken['scope']; expires_in_days: number }) =>
    request<NewApiToken>('/api/tokens', { method: 'POST', body }),
  revoke: (id: string) =>
    request<void>(`/api/tokens/${encodeURIComponent(id)}`, { method: 'DELETE' }),
};
