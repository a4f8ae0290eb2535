import { Link2, Lock, UserRoundCheck, Users } from 'lucide-react';
import type { Audience, Visibility } from '@/api';

/** Who may watch, in words. */
export const VISIBILITY = {
  private: {
    label: 'Only me',
    short: 'Only me',
    hint: 'Nobody else, and no link opens it',
    Icon: Lock,
  },
  people: {
    label: 'Named people',
    short: 'Named people',
    hint: 'The people you name, and whoever has a share link',
    Icon: UserRoundCheck,
  },
  workspace: {
    label: 'Everybody in the workspace',
    short: 'Workspace',
    hint: 'And the people you name, and whoever has a share link',
    Icon: Users,
  },
  link: {
    label: 'Anyone with the link',
    short: 'Anyone',
    hint: 'No account needed',
    Icon: Link2,
  },
} satisfies Record<Visibility, { label: string; short: string; hint: string; Icon: typeof Lock }>;

export const VISIBILITIES = Object.keys(VISIBILITY) as Visibility[];

/** Whether a change takes something from somebody, so that it is worth asking first. */
export function takes(change: Audience): boolean {
  return change.loses.count > 0 || change.anyone_loses || change.links_paused > 0;
}

/** Who gains and who loses, as one or two sentences; empty when nobody does. */
export function sentence(change: Audience): string {
  const loses = parties(change.loses, change.anyone_loses && 'anyone else with the link');
  const gains = parties(change.gains, change.anyone_gains && 'anyone with the link');
  const said: string[] = [];
  if (loses) said.push(`${loses.text} can no longer watch.`);
  if (change.links_paused > 0) said.push(links(change.links_paused, 'pauses', 'pause'));
  if (gains) said.push(`${gains.text} can watch.`);
  if (change.links_opened > 0) said.push(links(change.links_opened, 'opens again', 'open again'));
  return said.join(' ');
}

function links(n: number, one: string, many: string): string {
  return n === 1 ? `1 share link ${one}.` : `${n} share links ${many}.`;
}

function parties(crowd: Audience['gains'], anyone: string | false): { text: string } | null {
  const names = [...crowd.names];
  const more = crowd.count - names.length;
  if (more > 0) names.push(more === 1 ? '1 more' : `${more} more`);
  if (anyone) names.push(anyone);
  if (names.length === 0) return null;
  const last = names.pop()!;
  const text = names.length > 0 ? `${names.join(', ')} and ${last}` : last;
  return { text: text.charAt(0).toUpperCase() + text.slice(1) };
}
