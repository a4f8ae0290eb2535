import type { Role } from '@/api';

export const roles: { value: Role; label: string; hint: string }[] = [
  { value: 'viewer', label: 'Viewer', hint: 'Watches and comments.' },
  { value: 'member', label: 'Member', hint: 'Records, too.' },
  {
    value: 'admin',
    label: 'Admin',
    hint: 'Looks after people, settings and what the workspace may see.',
  },
  { value: 'owner', label: 'Owner', hint: 'May do everything, and name other owners.' },
];

export const roleName = (role: Role): string =>
  roles.find(({ value }) => value === role)?.label ?? role;

/** Nobody gives more than they have. */
export const rolesUpTo = (mine: Role | undefined) =>
  roles.slice(0, roles.findIndex(({ value }) => value === mine) + 1);
