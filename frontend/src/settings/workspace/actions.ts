import type { AuditEntry } from '@/api';

/** What is done in words, for the filter and for each line of the log. */
export const actions: { value: string; label: string; said: string }[] = [
  { value: 'video.watched', label: 'Watched a video', said: 'watched' },
  { value: 'video.downloaded', label: 'Downloaded a video', said: 'downloaded' },
  { value: 'video.shared', label: 'Changed who may watch', said: 'changed who may watch' },
  { value: 'video.created', label: 'Began a video', said: 'began' },
  { value: 'video.changed', label: 'Changed a video', said: 'changed' },
  { value: 'video.trashed', label: 'Put a video into the trash', said: 'put into the trash' },
  { value: 'video.restored', label: 'Restored a video', said: 'restored' },
  { value: 'video.removed', label: 'Removed a video for good', said: 'removed for good' },
  { value: 'video.moved', label: 'Handed a video over', said: 'handed over' },
  { value: 'access.requested', label: 'Asked for access', said: 'asked to watch' },
  { value: 'access.answered', label: 'Answered a request', said: 'answered a request for' },
  { value: 'member.joined', label: 'Joined', said: 'joined' },
  { value: 'member.changed', label: 'Changed a role', said: 'changed a role' },
  { value: 'member.removed', label: 'Removed a member', said: 'removed a member' },
  { value: 'member.left', label: 'Left', said: 'left' },
  { value: 'invitation.created', label: 'Invited somebody', said: 'invited somebody' },
  {
    value: 'invitation.dropped',
    label: 'Took an invitation back',
    said: 'took an invitation back',
  },
  { value: 'workspace.created', label: 'Made the workspace', said: 'made the workspace' },
  { value: 'workspace.changed', label: 'Changed settings', said: 'changed the settings' },
  { value: 'webhook.created', label: 'Made a webhook', said: 'made a webhook' },
  { value: 'webhook.changed', label: 'Changed a webhook', said: 'changed a webhook' },
  { value: 'webhook.removed', label: 'Deleted a webhook', said: 'deleted a webhook' },
  {
    value: 'webhook.disabled',
    label: 'Switched a webhook off',
    said: 'switched a webhook off',
  },
  { value: 'sign_in', label: 'Signed in', said: 'signed in' },
  { value: 'sign_in.failed', label: 'Failed to sign in', said: 'failed to sign in' },
  { value: 'sign_in.changed', label: 'Changed how they sign in', said: 'changed how they sign in' },
  {
    value: 'link.refused',
    label: 'Gave a wrong password for a link',
    said: 'gave a wrong password for a link to',
  },
  { value: 'account.disabled', label: 'Locked an account', said: 'locked an account' },
  { value: 'account.enabled', label: 'Unlocked an account', said: 'unlocked an account' },
  { value: 'session.ended', label: 'Ended a session', said: 'ended a session' },
  { value: 'token.created', label: 'Made an API token', said: 'made an API token' },
  { value: 'token.dropped', label: 'Took an API token back', said: 'took an API token back' },
  { value: 'account.exported', label: 'Exported their data', said: 'exported their data' },
  { value: 'audit.exported', label: 'Exported this log', said: 'exported this log' },
];

/** What somebody did, to which video, and how. */
export function sentence({ action, video, detail }: AuditEntry): string {
  const said = actions.find(({ value }) => value === action)?.said ?? action;
  const title = video.title ? ` “${video.title}”` : '';
  const more = Object.entries(detail)
    .filter(([, value]) => value)
    .map(([name, value]) => `${name.replaceAll('_', ' ')}: ${value}`)
    .join(', ');
  return `${said}${title}${more && ` (${more})`}`;
}
