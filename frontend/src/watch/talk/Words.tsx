import clsx from 'clsx';
import { useEffect, useRef, type ComponentProps } from 'react';

type Props = Omit<ComponentProps<'textarea'>, 'onSubmit'> & {
  label: string;
  /** Ctrl+Enter, or ⌘+Enter. */
  onSubmit: () => void;
  onEscape?: () => void;
  /** Takes the focus with the caret at the end. */
  eager?: boolean;
};

export const LONGEST = 10_000;

/** Where a comment is typed; grows with its text. */
export function Words({ label, onSubmit, onEscape, eager, className, ...props }: Props) {
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    if (!eager || !field.current) return;
    field.current.focus();
    field.current.selectionStart = field.current.value.length;
  }, [eager]);
  return (
    <textarea
      ref={field}
      aria-label={label}
      dir="auto"
      rows={1}
      maxLength={LONGEST}
      className={clsx(
        'field-sizing-content block max-h-56 min-h-11 w-full resize-none rounded-xl border border-edge bg-surface px-3.5 py-2 text-base outline-none transition-shadow focus-visible:border-focus focus-visible:ring-3 focus-visible:ring-focus/25 sm:text-[0.9375rem]',
        className,
      )}
      onKeyDown={(event) => {
        if (event.nativeEvent.isComposing) return;
        if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
          event.preventDefault();
          onSubmit();
        } else if (event.key === 'Escape') onEscape?.();
      }}
      {...props}
    />
  );
}
