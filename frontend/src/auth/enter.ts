/**
 * Goes on as the account that has just signed in. A whole new document: nothing that was read, or not allowed, before
 * stays around.
 */
export function enter(path: string): void {
  location.replace(path);
}
