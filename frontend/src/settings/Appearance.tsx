import clsx from 'clsx';
import { Monitor, Moon, Sun } from 'lucide-react';
import { type Theme, useTheme } from '@/ui';

const themes: { value: Theme; label: string; Icon: typeof Sun }[] = [
  { value: 'system', label: 'As the system', Icon: Monitor },
  { value: 'light', label: 'Light', Icon: Sun },
  { value: 'dark', label: 'Dark', Icon: Moon },
];

export function Appearance() {
  const [theme, setTheme] = useTheme();
  return (
    <fieldset className="grid max-w-md gap-3 sm:grid-cols-3">
      <legend className="sr-only">Theme</legend>
      {themes.map(({ value, label, Icon }) => (
        <label
          key={value}
          className={clsx(
            'flex min-h-11 cursor-pointer items-center gap-3 rounded-xl border p-4 text-sm font-medium transition-colors sm:flex-col sm:gap-2.5',
            'has-focus-visible:outline-2 has-focus-visible:outline-offset-2 has-focus-visible:outline-focus',
            value === theme
              ? 'border-accent bg-accent-soft text-accent-ink'
              : 'border-line bg-surface hover:bg-sunken',
          )}
        >
          <input
            type="radio"
            name="theme"
            className="sr-only"
            checked={value === theme}
            onChange={() => setTheme(value)}
          />
          <Icon aria-hidden className="size-5" />
          {label}
        </label>
      ))}
    </fieldset>
  );
}
