import { useState } from 'react';
import type { Account } from '@/api';
import { guestName, keepGuestName } from './guest';

/** The name of somebody without an account: asked once, remembered in this browser. */
export interface Guest {
  /** False for somebody signed in. */
  needed: boolean;
  name: string;
  setName: (name: string) => void;
  /** True while the field is shown. */
  asking: boolean;
  ask: () => void;
  missing: boolean;
  /** Remembers the name; false, with the field marked, when there is none. */
  settle: () => boolean;
}

export function useGuest(account: Account | null): Guest {
  const needed = account === null;
  const [name, setName] = useState(guestName);
  const [asking, setAsking] = useState(() => guestName() === '');
  const [missing, setMissing] = useState(false);
  const settle = () => {
    if (!needed) return true;
    const given = name.trim();
    setMissing(given === '');
    setAsking(given === '');
    if (given !== '') keepGuestName(given);
    return given !== '';
  };
  return {
    needed,
    name,
    setName,
    asking: needed && asking,
    ask: () => setAsking(true),
    missing: missing && name.trim() === '',
    settle,
  };
}
