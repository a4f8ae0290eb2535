import clsx from 'clsx';
import { Progress as Radix } from 'radix-ui';

type Props = {
  /** 0 to 1; null when under way but unknown. */
  value: number | null;
  label: string;
  tone?: 'accent' | 'record' | 'danger';
  className?: string;
};

const tones = { accent: 'bg-accent', record: 'bg-record', danger: 'bg-danger' };

/** A thin bar that moves smoothly to its value. */
export function Progress({ value, label, tone = 'accent', className }: Props) {
  const part = value === null ? null : Math.min(1, Math.max(0, value));
  return (
    <Radix.Root
      aria-label={label}
      value={part === null ? null : Math.round(part * 100)}
      className={clsx('h-1.5 w-full overflow-hidden rounded-full bg-sunken', className)}
    >
      <Radix.Indicator
        className={clsx(
          'h-full rounded-full transition-transform duration-500 ease-out',
          tones[tone],
          part === null && 'animate-glow',
        )}
        style={{ transform: `translateX(-${100 - (part ?? 1) * 100}%)` }}
      />
    </Radix.Root>
  );
}
