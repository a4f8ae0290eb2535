import { useQuery } from '@tanstack/react-query';
import { request } from './request';
import type { components } from './schema';
import type { Page } from './types';

type Schemas = components['schemas'];

export type AdminAbout = Schemas['About'];
export type AdminCheck = Schemas['Check'];
export type AdminFailure = Schemas['Failure'];
export type AdminLane = Schemas['Lane'];
export type AdminMissing = Schemas['Missing'];
export type AdminSamples = Schemas['Samples'];
export type AdminStored = Schemas['Stored'];
export type AdminWorker = Schemas['Worker'];
export type AdminRange = 'hour' | 'day' | 'week';

const base = '/api/admin';

/** What operators see of the whole installation, and do there. */
export const admin = {
  about: (signal?: AbortSignal) => request<AdminAbout>(`${base}/about`, { signal }),
  queues: (signal?: AbortSignal) => request<Schemas['Queues']>(`${base}/queues`, { signal }),
  workers: (signal?: AbortSignal) => request<Schemas['Workers']>(`${base}/workers`, { signal }),
  missing: (signal?: AbortSignal) =>
    request<Schemas['MissingMedia']>(`${base}/missing`, { signal }),
  storage: (signal?: AbortSignal) => request<AdminStored>(`${base}/storage`, { signal }),
  samples: (range: AdminRange, signal?: AbortSignal) =>
    request<AdminSamples>(`${base}/samples`, { query: { range }, signal }),
  failures: (cursor?: string, signal?: AbortSignal) =>
    request<Page<AdminFailure>>(`${base}/failures`, { query: { cursor }, signal }),
  retry: (id: number) => request<void>(`${base}/failures/${id}/retry`, { method: 'POST' }),
  retryAll: () =>
    request<{ retried: number; more: boolean }>(`${base}/failures/retry`, { method: 'POST' }),
};

export const adminKeys = {
  all: ['admin'] as const,
  failures: ['admin', 'failures'] as const,
};

// How often each part asks again while the page is looked at: what changes by the second, and what by the minute.
const often = 5_000;
const seldom = 30_000;

export const useAdminAbout = () =>
  useQuery({
    queryKey: ['admin', 'about'],
    queryFn: ({ signal }) => admin.about(signal),
    refetchInterval: seldom,
  });

export const useAdminQueues = () =>
  useQuery({
    queryKey: ['admin', 'queues'],
    queryFn: ({ signal }) => admin.queues(signal),
    refetchInterval: often,
  });

export const useAdminWorkers = () =>
  useQuery({
    queryKey: ['admin', 'workers'],
    queryFn: ({ signal }) => admin.workers(signal),
    refetchInterval: often,
  });

export const useAdminMissing = () =>
  useQuery({
    queryKey: ['admin', 'missing'],
    queryFn: ({ signal }) => admin.missing(signal),
    refetchInterval: seldom,
  });

export const useAdminStorage = () =>
  useQuery({
    queryKey: ['admin', 'storage'],
    queryFn: ({ signal }) => admin.storage(signal),
    refetchInterval: seldom,
  });

export const useAdminSamples = (range: AdminRange) =>
  useQuery({
    queryKey: ['admin', 'samples', range],
    queryFn: ({ signal }) => admin.samples(range, signal),
    refetchInterval: seldom,
    // Another range shows the old plots until it is there, not a gap.
    placeholderData: (old) => old,
  });
