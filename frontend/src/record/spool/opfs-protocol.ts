/** What the page and the OPFS worker say to each other. */

/** Folder of the origin private file system that holds takes, one file each, named by the take's id. */
export const takesFolder = 'takes';

/** A request to the worker; answered in order, with the same id. */
export type Order =
  | { id: number; op: 'open'; name: string }
  | { id: number; op: 'write'; bytes: ArrayBuffer }
  | { id: number; op: 'read'; start: number; end: number }
  | { id: number; op: 'close' };

/** The worker's answer. */
export interface Answer {
  id: number;
  size: number;
  bytes: ArrayBuffer | null;
  error?: string;
}
