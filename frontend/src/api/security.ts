import { useQuery } from '@tanstack/react-query';
import { request } from './request';
import type { components } from './schema';
import type { Account } from './types';

type Schemas = components['schemas'];

/** How far a sign-in has come: signed in, or a second step is needed. */
export type Entry = Schemas['Entry'];
export type Methods = Schemas['Methods'];
export type Security = Schemas['Security'];
export type OpenSession = Schemas['AccountSession'];
export type Passkey = Schemas['Passkey'];
export type Identity = Schemas['Identity'];
export type NewFactor = Schemas['FactorOutputBody'];

/** What becomes of what somebody leaves behind. */
export type Leaving = Schemas['LeaveInputBody'];

/** What a browser is asked for or answers, as JSON (WebAuthn level 3). */
export type WebAuthnJson = Record<string, unknown>;

const post = <T>(path: string, body: unknown = {}) => request<T>(path, { method: 'POST', body });
const remove = (path: string) => request<void>(path, { method: 'DELETE' });

/** The ways in. */
export const entrance = {
  byPassword: (body: { email: string; password: string }) => post<Entry>('/api/session', body),
  mailLink: (body: { email: string; next?: string }) => post<void>('/api/session/link/mail', body),
  byLink: (token: string) => post<Entry>('/api/session/link', { token }),
  byCode: (code: string) => post<Entry>('/api/session/code', { code }),
  passkeyOptions: () => post<{ options: WebAuthnJson }>('/api/session/passkey/options'),
  byPasskey: (credential: WebAuthnJson) => post<Entry>('/api/session/passkey', { credential }),
  /** Answers with the address of the other service. */
  abroad: (next?: string) => post<{ url: string }>('/api/session/oidc', { next: next ?? '' }),
  prove: (proof: { password?: string; code?: string; credential?: WebAuthnJson }) =>
    post<Account>('/api/session/proof', proof),
};

/** What looks after them. */
export const security = {
  get: (signal?: AbortSignal) => request<Security>('/api/security', { signal }),
  endSession: (id: string) => remove(`/api/sessions/${encodeURIComponent(id)}`),
  endOthers: () => remove('/api/sessions'),
  passkeyOptions: () => post<{ options: WebAuthnJson }>('/api/passkeys/options'),
  addPasskey: (body: { name: string; credential: WebAuthnJson }) =>
    post<Passkey>('/api/passkeys', body),
  renamePasskey: (id: string, name: string) =>
    request<void>(`/api/passkeys/${encodeURIComponent(id)}`, { method: 'PATCH', body: { name } }),
  dropPasskey: (id: string) => remove(`/api/passkeys/${encodeURIComponent(id)}`),
  link: () => post<{ url: string }>('/api/identities'),
  unlink: (id: string) => remove(`/api/identities/${encodeURIComponent(id)}`),
  beginCodes: () => post<NewFactor>('/api/second-factor'),
  confirmCodes: (code: string) =>
    post<{ recovery_codes: string[] }>('/api/second-factor/confirm', { code }),
  dropCodes: (code: string) =>
    request<void>('/api/second-factor', { method: 'DELETE', body: { code } }),
  leave: (body: Leaving) => post<void>('/api/account/deletion', body),
  renewRecovery: (code: string) =>
    post<{ recovery_codes: string[] }>('/api/recovery-codes', { code }),
};

export const securityKey = ['security'] as const;

export const useSecurity = () =>
  useQuery({ queryKey: securityKey, queryFn: ({ signal }) => security.get(signal) });
