import clsx from 'clsx';
import { Eye, EyeOff } from 'lucide-react';
import { type ComponentProps, type ReactNode, useId, useState } from 'react';

const box =
  'block w-full min-h-11 rounded-xl border border-edge bg-surface px-3.5 py-2 text-base text-ink outline-none transition-shadow sm:text-[0.9375rem] focus-visible:border-focus focus-visible:ring-3 focus-visible:ring-focus/25 aria-invalid:border-danger aria-invalid:focus-visible:ring-danger/25 disabled:opacity-60 read-only:bg-sunken';

type Common = {
  label: string;
  /** What to know before typing. */
  hint?: ReactNode;
  /** What is wrong with what was typed; said to screen readers when it appears. */
  error?: string;
  /** Keeps the label for screen readers only. */
  hideLabel?: boolean;
};

/** A labelled line of input. Works with react-hook-form's register. */
export function Field({
  label,
  hint,
  error,
  hideLabel,
  className,
  ...props
}: ComponentProps<'input'> & Common) {
  return (
    <Labelled {...{ label, hint, error, hideLabel, className }}>
      {(wiring) =>
        props.type === 'password' ? (
          <Password {...props} {...wiring} />
        ) : (
          <input className={box} {...props} {...wiring} />
        )
      }
    </Labelled>
  );
}

/** The same with several lines. */
export function TextArea({
  label,
  hint,
  error,
  hideLabel,
  className,
  ...props
}: ComponentProps<'textarea'> & Common) {
  return (
    <Labelled {...{ label, hint, error, hideLabel, className }}>
      {(wiring) => (
        <textarea className={clsx(box, 'field-sizing-content')} {...props} {...wiring} />
      )}
    </Labelled>
  );
}

/** A native choice of one; phones show their own wheel for it. */
export function Select({
  label,
  hint,
  error,
  hideLabel,
  className,
  ...props
}: ComponentProps<'select'> & Common) {
  return (
    <Labelled {...{ label, hint, error, hideLabel, className }}>
      {(wiring) => <select className={box} {...props} {...wiring} />}
    </Labelled>
  );
}

type Wiring = { id: string; 'aria-describedby'?: string; 'aria-invalid'?: true };

function Labelled(props: Common & { className?: string; children: (w: Wiring) => ReactNode }) {
  const { label, hint, error, hideLabel, className, children } = props;
  const id = useId();
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ');
  return (
    <div className={className}>
      <label htmlFor={id} className={hideLabel ? 'sr-only' : 'mb-1.5 block text-sm font-medium'}>
        {label}
      </label>
      {children({
        id,
        'aria-describedby': described || undefined,
        'aria-invalid': error ? true : undefined,
      })}
      {hint && (
        <p id={`${id}-hint`} className="mt-1.5 text-sm text-muted">
          {hint}
        </p>
      )}
      <p id={`${id}-error`} role="alert" className="mt-1.5 text-sm text-danger empty:hidden">
        {error}
      </p>
    </div>
  );
}

function Password(props: ComponentProps<'input'>) {
  const [shown, setShown] = useState(false);
  const Icon = shown ? EyeOff : Eye;
  return (
    <div className="relative">
      <input {...props} className={clsx(box, 'pr-12')} type={shown ? 'text' : 'password'} />
      <button
        type="button"
        aria-label={shown ? 'Hide password' : 'Show password'}
        aria-pressed={shown}
        onClick={() => setShown(!shown)}
        className="absolute inset-y-0 right-0 grid w-11 place-items-center rounded-xl text-muted hover:text-ink"
      >
        <Icon aria-hidden className="size-4.5" />
      </button>
    </div>
  );
}
