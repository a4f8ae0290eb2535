import { useNavigate, useSearch } from '@tanstack/react-router';
import { Search, X } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';

const pause = 250; // ms without typing before the server is asked

/** Searches titles as one types; the words live in the address, so back and a bookmark keep them. */
export function SearchBox() {
  const { q = '', show } = useSearch({ strict: false });
  const navigate = useNavigate();
  const [text, setText] = useState(q);
  const [asked, setAsked] = useState(q);
  const [seen, setSeen] = useState(q);
  const input = useRef<HTMLInputElement>(null);
  useSlashKey(input);

  // An address this box did not ask for (back, a link that clears the search) is what it shows from now on.
  if (q !== seen) {
    setSeen(q);
    if (q !== asked) {
      setAsked(q);
      setText(q);
    }
  }

  useEffect(() => {
    const wanted = text.trim();
    if (wanted === q) return;
    const timer = setTimeout(() => {
      setAsked(wanted);
      void navigate({ to: '/', search: { show, q: wanted || undefined }, replace: q !== '' });
    }, pause);
    return () => clearTimeout(timer);
  }, [text, q, show, navigate]);

  return (
    <form role="search" className="relative w-full max-w-110" onSubmit={(e) => e.preventDefault()}>
      <Search
        aria-hidden
        className="pointer-events-none absolute inset-y-0 left-3.5 my-auto size-4.5 text-muted"
      />
      <input
        ref={input}
        type="search"
        enterKeyHint="search"
        aria-label="Search titles"
        placeholder="Search"
        maxLength={200}
        value={text}
        onChange={(event) => setText(event.target.value)}
        className="h-10 w-full rounded-xl border border-transparent bg-sunken pr-10 pl-10.5 text-base outline-none sm:text-[0.9375rem] pointer-coarse:h-11 focus-visible:border-focus focus-visible:bg-surface focus-visible:ring-3 focus-visible:ring-focus/25 [&::-webkit-search-cancel-button]:hidden"
      />
      {text && (
        <button
          type="button"
          aria-label="Clear search"
          onClick={() => {
            setText('');
            input.current?.focus();
          }}
          className="absolute inset-y-0 right-0 grid w-10 place-items-center rounded-xl text-muted hover:text-ink"
        >
          <X aria-hidden className="size-4" />
        </button>
      )}
    </form>
  );
}

/** "/" goes to the search, as in most places people search; not while they type elsewhere. */
function useSlashKey(input: React.RefObject<HTMLInputElement | null>) {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return;
      const at = event.target as HTMLElement;
      if (at.isContentEditable || at.closest('input, textarea, select, [role="dialog"]')) return;
      event.preventDefault();
      input.current?.focus();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [input]);
}
