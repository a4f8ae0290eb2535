import { Link, useNavigate } from '@tanstack/react-router';
import { Gauge, LogOut, Settings } from 'lucide-react';
import { messageOf, useMyWorkspace, useSession, useSignOut, workspaces } from '@/api';
import {
  Avatar,
  Menu,
  MenuChoice,
  MenuItem,
  MenuLabel,
  MenuSeparator,
  type Theme,
  toast,
  useTheme,
} from '@/ui';

const themes: { value: Theme; label: string }[] = [
  { value: 'system', label: 'As the system' },
  { value: 'light', label: 'Light' },
  { value: 'dark', label: 'Dark' },
];

export function AccountMenu() {
  const { data } = useSession();
  const [theme, setTheme] = useTheme();
  const account = data?.account;
  if (!account) return <span className="size-11" />;
  return (
    <Menu
      trigger={
        <button
          type="button"
          aria-label={`Account of ${account.name}`}
          className="grid size-11 shrink-0 place-items-center rounded-full hover:bg-sunken data-[state=open]:bg-sunken"
        >
          <Avatar name={account.name} id={account.id} />
        </button>
      }
    >
      <div className="px-2.5 pt-1.5 pb-2">
        <p className="truncate text-sm font-medium">{account.name}</p>
        <p className="truncate text-xs text-muted">{account.email}</p>
      </div>
      <Workspaces />
      <MenuSeparator />
      <MenuLabel>Appearance</MenuLabel>
      <MenuChoice value={theme} onChange={setTheme} options={themes} />
      <MenuSeparator />
      <MenuItem asChild>
        <Link to="/settings">
          <Settings aria-hidden className="size-4.5" />
          Settings
        </Link>
      </MenuItem>
      {account.operator && (
        <MenuItem asChild>
          <Link to="/admin">
            <Gauge aria-hidden className="size-4.5" />
            Administration
          </Link>
        </MenuItem>
      )}
      <SignOut />
    </Menu>
  );
}

/** For whoever belongs to several: where one works now. The page begins anew there. */
function Workspaces() {
  const { id, all } = useMyWorkspace();
  if (all.length < (id ? 2 : 1)) return null;
  const go = (next: string) =>
    void workspaces.switch(next).then(
      () => location.assign('/'),
      (error: unknown) => toast.error(messageOf(error)),
    );
  return (
    <>
      <MenuSeparator />
      <MenuLabel>Workspace</MenuLabel>
      <MenuChoice
        value={id}
        onChange={go}
        options={all.map((workspace) => ({ value: workspace.id, label: workspace.name }))}
      />
    </>
  );
}

function SignOut() {
  const navigate = useNavigate();
  const signOut = useSignOut();
  // Not mutate with callbacks: choosing closes the menu, and what has left the page is not called back.
  const leave = () =>
    signOut.mutateAsync().then(
      () => navigate({ to: '/sign-in' }),
      (error: unknown) => toast.error(messageOf(error)),
    );
  return (
    <MenuItem icon={<LogOut aria-hidden />} onSelect={() => void leave()}>
      Sign out
    </MenuItem>
  );
}
