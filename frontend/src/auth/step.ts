import type { Entry } from '@/api';
import { enter } from './enter';

/** Goes on after a step of signing in: inside, or to the second step. */
export function goOn(entry: Entry, next?: string): void {
  if (entry.account) {
    enter(next ?? '/');
    return;
  }
  enter(`/sign-in/code${next ? `?${new URLSearchParams({ next })}` : ''}`);
}

const troubles: Record<string, string> = {
  oidc_link_first:
    'There is an account with your e-mail address here. Sign in to it another way once, then link the two in the settings under Security.',
  oidc_taken: 'That account is linked to somebody else here.',
  oidc_address: 'The other service has not confirmed your e-mail address, so no account was made.',
  oidc_domain: 'Your e-mail address is not of a domain that may come in here.',
  oidc_unreachable: 'The other service cannot be reached at the moment. Try again later.',
  oidc_refused: 'Signing in by the other service did not work. Try again.',
};

/** What went wrong on the way back from another service, in a sentence. */
export function troubleOf(code: string | undefined): string {
  if (!code) return '';
  return troubles[code] ?? 'Signing in did not work. Try again.';
}
