import clsx from 'clsx';
import { initials } from './format';

// Grounds that hold white text at 4.5 : 1 in both themes.
const grounds = [
  'bg-[#0f766e]',
  'bg-[#4b5bc4]',
  'bg-[#a8326e]',
  'bg-[#9a4a0a]',
  'bg-[#4d7018]',
  'bg-[#7c4bb8]',
  'bg-[#2a6db0]',
];

const sizes = { sm: 'size-6 text-[0.625rem]', md: 'size-8 text-xs', lg: 'size-12 text-base' };

type Props = {
  name: string;
  /** What picks the colour, so that a person keeps theirs after a new name. */
  id?: string | null;
  size?: keyof typeof sizes;
  className?: string;
};

/** A person as coloured initials. Decorative: the name stands beside it or in its button's label. */
export function Avatar({ name, id, size = 'md', className }: Props) {
  return (
    <span
      aria-hidden
      className={clsx(
        'inline-grid shrink-0 place-items-center rounded-full font-semibold text-white select-none',
        grounds[hash(id ?? name) % grounds.length],
        sizes[size],
        className,
      )}
    >
      {initials(name)}
    </span>
  );
}

function hash(text: string): number {
  let sum = 0;
  for (const char of text) sum = (sum * 31 + (char.codePointAt(0) ?? 0)) >>> 0;
  return sum;
}
