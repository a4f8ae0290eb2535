import { useIsMutating, useQuery } from '@tanstack/react-query';
import { request } from './request';
import type { components } from './schema';

type Schemas = components['schemas'];

export type Webhook = Schemas['Webhook'];
export type Delivery = Schemas['Delivery'];
export type WebhookEvent = Webhook['events'][number];
/** A webhook with what signs its messages, which is told this once. */
export type WebhookSecret = Schemas['ShownOutputBody'];

const at = (id: string, rest = '') => `/api/webhooks/${encodeURIComponent(id)}${rest}`;

type Wanted = { url: string; events: WebhookEvent[] };

export const webhooks = {
  list: (signal?: AbortSignal) => request<{ items: Webhook[] }>('/api/webhooks', { signal }),
  create: (body: Wanted) => request<WebhookSecret>('/api/webhooks', { method: 'POST', body }),
  update: (id: string, body: Partial<Wanted> & { enabled?: boolean }) =>
    request<Webhook>(at(id), { method: 'PATCH', body }),
  remove: (id: string) => request<void>(at(id), { method: 'DELETE' }),
  renewSecret: (id: string) => request<WebhookSecret>(at(id, '/secret'), { method: 'POST' }),
  test: (id: string) => request<Delivery>(at(id, '/test'), { method: 'POST' }),
  deliveries: (id: string, signal?: AbortSignal) =>
    request<{ items: Delivery[] }>(at(id, '/deliveries'), { signal }),
  again: (id: string, event: string) =>
    request<Delivery>(at(id, `/deliveries/${encodeURIComponent(event)}`), { method: 'POST' }),
};

export const webhookKeys = {
  all: ['webhooks'] as const,
  deliveries: (id: string) => ['webhooks', id, 'deliveries'] as const,
  removal: (id: string) => ['webhooks', id, 'removal'] as const,
};

export function useWebhooks() {
  return useQuery({
    queryKey: webhookKeys.all,
    queryFn: ({ signal }) => webhooks.list(signal),
  });
}

/** How often one looks again: while something is on its way, and otherwise. */
const soon = 2000;
const later = 6000;

export function useDeliveries(id: string) {
  const removing = useIsMutating({ mutationKey: webhookKeys.removal(id) }) > 0;
  return useQuery({
    queryKey: webhookKeys.deliveries(id),
    enabled: !removing, // of what is gone there is no list
    queryFn: ({ signal }) => webhooks.deliveries(id, signal),
    refetchInterval: ({ state }) =>
      state.data?.items.some((delivery) => delivery.state === 'waiting') ? soon : later,
  });
}
