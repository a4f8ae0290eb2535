const KEY = 'meanwhile:guest-name';

/** The name a guest gave before, in this browser. */
export function guestName(): string {
  try {
    return localStorage.getItem(KEY) ?? '';
  } catch {
    return '';
  }
}

/** Remembers it, so that it is asked once. */
export function keepGuestName(name: string): void {
  try {
    localStorage.setItem(KEY, name);
  } catch {
    // Asked again next time.
  }
}
