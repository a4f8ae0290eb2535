import { ApiError, type WorkspaceChange, type WorkspaceDetails } from '@/api';

type Limits = WorkspaceDetails['limits'];

/** The bounds as people type them; empty means none. */
export type Draft = Record<'quota' | 'upload' | 'length' | 'retention' | 'trash', string>;

const gigabyte = 1_000_000_000;
const minute = 60_000;

const shown = (value: number, unit: number): string =>
  value === 0 ? '' : String(Number((value / unit).toFixed(3)));

export function draftOf(limits: Limits): Draft {
  return {
    quota: shown(limits.quota_bytes, gigabyte),
    upload: shown(limits.max_upload_bytes, gigabyte),
    length: shown(limits.max_length_ms, minute),
    retention: shown(limits.retention_days, 1),
    trash: shown(limits.trash_days, 1),
  };
}

/** Throws an ApiError with a sentence for what is no number. */
export function limitsOf(draft: Draft): WorkspaceChange {
  return {
    quota_bytes: number(draft.quota, 'The storage', gigabyte),
    max_upload_bytes: number(draft.upload, 'The largest upload', gigabyte),
    max_length_ms: number(draft.length, 'The longest video', minute),
    retention_days: number(draft.retention, 'The days until unwatched videos go', 1),
    trash_days: number(draft.trash, 'The days in the trash', 1),
  };
}

function number(text: string, what: string, unit: number): number {
  const plain = text.trim().replace(',', '.');
  if (plain === '') return 0;
  const value = Number(plain);
  if (!Number.isFinite(value) || value < 0) {
    throw new ApiError(`${what} must be a number, or empty.`, 422, 'invalid');
  }
  return Math.round(value * unit);
}
