import type { Delivery, Webhook, WebhookEvent } from '@/api';
import { ago, plural } from '@/ui';

/** What a webhook may be told of, in words. */
export const events: { value: WebhookEvent; label: string }[] = [
  { value: 'video.created', label: 'A video begins' },
  { value: 'video.finished', label: 'A video has arrived and plays' },
  { value: 'video.ready', label: 'A video is ready in all qualities' },
  { value: 'video.failed', label: 'A video failed' },
  { value: 'comment.created', label: 'Somebody comments' },
  { value: 'access.requested', label: 'Somebody asks to watch' },
];

/** The part of an address by which one knows it again. */
export function hostOf(url: string): string {
  try {
    return new URL(url).host;
  } catch {
    return url;
  }
}

const off = {
  failing: 'Switched off: it took nothing for a day.',
  gone: 'Switched off: the receiver wants no more messages.',
  backlog: 'Switched off: too many messages waited for it.',
};

/** How a webhook does, in a few words. */
export function stateOf(webhook: Webhook): { tone: 'neutral' | 'warn' | 'danger'; text: string } {
  if (!webhook.enabled) {
    const why = webhook.disabled_why;
    return why ? { tone: 'danger', text: off[why] } : { tone: 'neutral', text: 'Switched off' };
  }
  if (webhook.failing_since) {
    return { tone: 'warn', text: `Failing since ${ago(webhook.failing_since)}` };
  }
  return { tone: 'neutral', text: plural(webhook.events.length, 'event') };
}

const states = {
  waiting: 'Waiting',
  delivered: 'Delivered',
  failed: 'Failed',
  dropped: 'Not sent',
};

/** What became of a message, in a few words. */
export function outcomeOf(delivery: Delivery): string {
  const parts = [states[delivery.state]];
  if (delivery.status) parts.push(`status ${delivery.status}`);
  if (delivery.attempts) {
    parts.push(`${delivery.duration_ms} ms`, plural(delivery.attempts, 'attempt'));
  }
  return parts.join(' · ');
}
