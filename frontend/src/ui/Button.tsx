import clsx from 'clsx';
import { Slot } from 'radix-ui';
import type { ComponentProps } from 'react';
import { Spinner } from './Spinner';

const tones = {
  primary: 'bg-accent text-on-accent hover:bg-accent-strong shadow-card',
  secondary: 'bg-surface text-ink border border-line shadow-card hover:bg-sunken',
  ghost: 'text-muted hover:bg-sunken hover:text-ink data-[state=open]:bg-sunken',
  danger: 'bg-danger text-on-danger hover:opacity-90 shadow-card',
  record: 'bg-record text-white hover:opacity-90 shadow-card',
};

// Fingers get 44 px even where a mouse gets less.
const sizes = {
  md: 'h-11 px-4.5 text-[0.9375rem] gap-2',
  sm: 'h-9 px-3 text-sm gap-1.5 pointer-coarse:h-11',
};

type Look = { tone?: keyof typeof tones; size?: keyof typeof sizes };

function look({ tone = 'secondary', size = 'md' }: Look, ...rest: (string | undefined)[]) {
  return clsx(
    'inline-flex shrink-0 items-center justify-center rounded-xl font-medium whitespace-nowrap no-underline select-none',
    'transition-[background-color,color,opacity,transform] duration-100 active:scale-[0.98]',
    'disabled:pointer-events-none disabled:opacity-50',
    tones[tone],
    sizes[size],
    ...rest,
  );
}

type ButtonProps = ComponentProps<'button'> &
  Look & {
    /** Shows a spinner and takes no more clicks; the label stays, so the width does too. */
    busy?: boolean;
    /** Renders the only child (a link) with this look instead of a button. */
    asChild?: boolean;
  };

/** The one button. Its tone says how much it matters: one primary per view. */
export function Button({ tone, size, busy, asChild, className, children, ...props }: ButtonProps) {
  if (asChild) {
    return (
      <Slot.Root className={look({ tone, size }, className)} {...props}>
        {children}
      </Slot.Root>
    );
  }
  return (
    <button
      type="button"
      className={look({ tone, size }, 'relative', className)}
      aria-busy={busy || undefined}
      {...props}
      disabled={props.disabled || busy}
    >
      {busy && <Spinner className="absolute inset-0 m-auto" />}
      <span className={clsx('contents', busy && '*:invisible')}>{wrap(children)}</span>
    </button>
  );
}

// Bare text cannot be made invisible by a class, so it becomes an element.
function wrap(children: React.ReactNode): React.ReactNode {
  return typeof children === 'string' ? <span>{children}</span> : children;
}

type IconButtonProps = Omit<ButtonProps, 'asChild'> & {
  /** What it does, for the tooltip and the screen reader. */
  label: string;
};

/** A square button with a single icon. */
export function IconButton({ label, tone = 'ghost', size, className, ...props }: IconButtonProps) {
  const square = size === 'sm' ? 'w-9 pointer-coarse:w-11' : 'w-11';
  return (
    <Button
      aria-label={label}
      title={label}
      tone={tone}
      size={size}
      className={clsx('px-0!', square, className)}
      {...props}
    />
  );
}
