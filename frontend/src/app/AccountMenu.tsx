import { Link, useNavigate } from '@tanstack/react-router';
import { LogOut, Settings } from 'lucide-react';
import { messageOf, useSession, useSignOut } from '@/api';
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
      <SignOut />
    </Menu>
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
