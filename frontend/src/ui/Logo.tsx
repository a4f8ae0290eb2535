/** The mark and the name. The mark is icon.svg, in the accent of the theme. */
export function Logo({ compact = false }: { compact?: boolean }) {
  return (
    <span className="inline-flex items-center gap-2.5 font-semibold tracking-tight">
      <svg viewBox="0 0 32 32" aria-hidden className="size-8 shrink-0">
        <rect width="32" height="32" rx="9" className="fill-[#0f766e]" />
        <path
          d="M9 21.5v-7a3.5 3.5 0 0 1 7 0v7m0-7a3.5 3.5 0 0 1 7 0v3"
          fill="none"
          stroke="#fff"
          strokeWidth="2.75"
          strokeLinecap="round"
        />
        <circle cx="23" cy="21.8" r="1.9" fill="#fb7185" />
      </svg>
      <span className={compact ? 'sr-only sm:not-sr-only' : undefined}>Meanwhile</span>
    </span>
  );
}
