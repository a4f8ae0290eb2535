import type { ApiToken } from '@/api';

/** What a token may do, in words. */
export const scopes: Record<ApiToken['scope'], string> = {
  read: 'Read: list and watch',
  write: 'Write: also upload and change',
  admin: 'Admin: everything you may do',
};
