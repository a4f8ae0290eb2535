import { useSyncExternalStore } from 'react';

export type Theme = 'system' | 'light' | 'dark';

const key = 'meanwhile:theme'; // page-boot.js reads the same key.
const listeners = new Set<() => void>();

/** The chosen theme; 'system' without a choice. */
export function theme(): Theme {
  const chosen = document.documentElement.dataset.theme;
  return chosen === 'light' || chosen === 'dark' ? chosen : 'system';
}

/** Applies a choice at once and remembers it in this browser. */
export function setTheme(next: Theme): void {
  if (next === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  try {
    if (next === 'system') localStorage.removeItem(key);
    else localStorage.setItem(key, next);
  } catch {
    // Blocked storage: the choice lasts until the page is left.
  }
  for (const listener of listeners) listener();
}

/** Applies the remembered choice, for pages that do not run page-boot.js. */
export function applyStoredTheme(): void {
  try {
    const stored = localStorage.getItem(key);
    if (stored === 'light' || stored === 'dark') document.documentElement.dataset.theme = stored;
  } catch {
    // As above.
  }
}

export function useTheme(): [Theme, (next: Theme) => void] {
  return [useSyncExternalStore(subscribe, theme), setTheme];
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
