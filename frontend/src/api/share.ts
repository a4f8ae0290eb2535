import { useQuery } from '@tanstack/react-query';
import { request } from './request';
import type { components } from './schema';
import type { Visibility } from './types';

type Schemas = components['schemas'];

export type ShareLink = Schemas['Link'];
export type LinkTerms = Schemas['LinkTerms'];
export type NamedPerson = Schemas['NamedPerson'];
export type Checked = Schemas['Checked'];
export type Audience = Schemas['PreviewOutputBody'];
export type Notice = Schemas['Notice'];
export type AccessRequest = Schemas['Request'];

type People = Schemas['PeopleOutputBody'];
export type Naming = {
  people: { account_id?: string; email?: string }[];
  may_comment?: boolean;
  may_download?: boolean;
  raise?: boolean;
  mail?: boolean;
};

const video = (id: string, rest: string) => `/api/videos/${encodeURIComponent(id)}/${rest}`;
const link = (id: string) => `/api/links/${encodeURIComponent(id)}`;
const person = (id: string, who: string) => video(id, `people/${encodeURIComponent(who)}`);
const asked = (id: string) => `/api/requests/${encodeURIComponent(id)}`;

export const sharing = {
  links: (id: string, signal?: AbortSignal) =>
    request<{ items: ShareLink[] }>(video(id, 'links'), { signal }),
  addLink: (id: string, body: LinkTerms) =>
    request<ShareLink>(video(id, 'links'), { method: 'POST', body }),
  changeLink: (id: string, body: LinkTerms) =>
    request<ShareLink>(link(id), { method: 'PATCH', body }),
  revokeLink: (id: string) => request<void>(link(id), { method: 'DELETE' }),

  people: (id: string, signal?: AbortSignal) => request<People>(video(id, 'people'), { signal }),
  name: (id: string, body: Naming) =>
    request<People>(video(id, 'people'), { method: 'POST', body }),
  changePerson: (
    id: string,
    who: string,
    body: { may_comment?: boolean; may_download?: boolean },
  ) => request<People>(person(id, who), { method: 'PATCH', body }),
  unname: (id: string, who: string) => request<void>(person(id, who), { method: 'DELETE' }),

  check: (id: string, body: { addresses?: string; accounts?: string[] }) =>
    request<{ items: Checked[]; links: number }>(video(id, 'check'), { method: 'POST', body }),
  preview: (id: string, visibility: Visibility) =>
    request<Audience>(video(id, 'preview-visibility'), { method: 'POST', body: { visibility } }),
};

export const access = {
  /** Answers the same whether there is such a video or not. */
  ask: (slug: string, message: string) =>
    request<void>('/api/requests', { method: 'POST', body: { slug, message } }),
  get: (id: string, signal?: AbortSignal) => request<AccessRequest>(asked(id), { signal }),
  answer: (id: string, body: { grant: boolean; may_comment?: boolean; may_download?: boolean }) =>
    request<AccessRequest>(asked(id), { method: 'POST', body }),
};

export const inbox = {
  list: (signal?: AbortSignal) =>
    request<{ items: Notice[]; unread: number }>('/api/inbox', { signal }),
  read: (body: { ids?: string[]; all?: boolean }) =>
    request<void>('/api/inbox/read', { method: 'POST', body }),
};

export const shareKeys = {
  links: (id: string) => ['share', id, 'links'] as const,
  people: (id: string) => ['share', id, 'people'] as const,
  inbox: ['inbox'] as const,
  request: (id: string) => ['requests', id] as const,
};

export const useShareLinks = (id: string) =>
  useQuery({
    queryKey: shareKeys.links(id),
    queryFn: ({ signal }) => sharing.links(id, signal),
    staleTime: 0,
  });

export const useNamedPeople = (id: string) =>
  useQuery({
    queryKey: shareKeys.people(id),
    queryFn: ({ signal }) => sharing.people(id, signal),
    staleTime: 0,
  });

export const useInbox = (enabled = true) =>
  useQuery({ queryKey: shareKeys.inbox, queryFn: ({ signal }) => inbox.list(signal), enabled });

export const useAccessRequest = (id: string) =>
  useQuery({
    queryKey: shareKeys.request(id),
    queryFn: ({ signal }) => access.get(id, signal),
    retry: false,
  });
