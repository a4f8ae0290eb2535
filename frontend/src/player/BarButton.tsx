import clsx from 'clsx';
import type { ComponentProps } from 'react';

type Props = ComponentProps<'button'> & {
  /** What it does, for the tooltip and the screen reader. */
  label: string;
  /** Its key, shown in the tooltip. */
  hotkey?: string;
};

/** A button on the player's bar: white on the picture, with room for a finger. */
export function BarButton({ label, hotkey, className, children, ...props }: Props) {
  return (
    <button
      type="button"
      aria-label={label}
      aria-keyshortcuts={hotkey}
      title={hotkey ? `${label} (${hotkey})` : label}
      className={clsx(
        'grid h-10 min-w-10 shrink-0 place-items-center rounded-lg text-sm font-semibold text-white tabular-nums outline-offset-[-2px] transition-colors hover:bg-white/20 data-[state=open]:bg-white/20 pointer-coarse:h-11 [&>svg]:size-5.5',
        className,
      )}
      {...props}
    >
      {children}
    </button>
  );
}
