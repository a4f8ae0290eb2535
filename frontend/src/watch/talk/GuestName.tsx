import { Field } from '@/ui';
import type { Guest } from './useGuest';

/** Asks a guest's name, or says under which name the comment goes. */
export function GuestName({ guest }: { guest: Guest }) {
  if (!guest.needed) return null;
  if (!guest.asking) {
    return (
      <p className="text-sm text-muted">
        As <span className="font-medium text-ink">{guest.name}</span>{' '}
        <button
          type="button"
          onClick={guest.ask}
          className="rounded px-1 text-accent-ink underline underline-offset-2"
        >
          change
        </button>
      </p>
    );
  }
  return (
    <Field
      label="Your name"
      autoComplete="name"
      maxLength={80}
      value={guest.name}
      onChange={(event) => guest.setName(event.target.value)}
      error={guest.missing ? 'A name, so that people know who answers.' : undefined}
    />
  );
}
