/** IndexedDB behind the recorder: what each take is, which byte is which second, and, where OPFS is missing, the bytes. */
import { openDB, type DBSchema, type IDBPDatabase } from 'idb';
import type { Mark } from '../uplink/marks';
import type { Backend } from './spool';

/** Everything needed to finish a take in another life of the page. */
export interface TakeRecord {
  id: string;
  title: string;
  mime: string;
  backend: Backend;
  /** When recording started, milliseconds since 1970. */
  startedAt: number;
  /** Bytes in the local copy, as last noted; the file itself is the truth. */
  bytes: number;
  durationMs: number;
  /** recording: the tab writes or was killed · stopped: whole, not yet confirmed by the server. */
  state: 'recording' | 'stopped';
  videoId: string | null;
  slug: string | null;
  uploadUrl: string | null;
  watchUrl: string | null;
}

interface Schema extends DBSchema {
  takes: { key: string; value: TakeRecord };
  marks: { key: [string, number]; value: Mark & { take: string } };
  chunks: { key: [string, number]; value: { take: string; start: number; bytes: ArrayBuffer } };
}

/** The open database. */
export type Database = IDBPDatabase<Schema>;

/** Opens (and on first use makes) the database. */
export function openDatabase(name = 'meanwhile-takes'): Promise<Database> {
  return openDB<Schema>(name, 1, {
    upgrade(db) {
      db.createObjectStore('takes', { keyPath: 'id' });
      db.createObjectStore('marks', { keyPath: ['take', 'end'] });
      db.createObjectStore('chunks', { keyPath: ['take', 'start'] });
    },
    // Another tab with a newer page wants to upgrade: let go, writes there reopen.
    blocking(_current, _blocked, event) {
      (event.target as IDBDatabase).close();
    },
  });
}

const range = (take: string) => IDBKeyRange.bound([take, -Infinity], [take, Infinity]);

/** Notes that `mark.ms` are on record within `mark.end` bytes, and the take's own figures with it. */
export async function addMark(db: Database, take: TakeRecord, mark: Mark): Promise<void> {
  const tx = db.transaction(['takes', 'marks'], 'readwrite', { durability: 'strict' });
  await Promise.all([
    tx.objectStore('takes').put({ ...take, bytes: mark.end, durationMs: mark.ms }),
    tx.objectStore('marks').put({ take: take.id, end: mark.end, ms: mark.ms }),
    tx.done,
  ]);
}

/** All marks of a take, ascending. */
export async function marksOf(db: Database, take: string): Promise<Mark[]> {
  return (await db.getAll('marks', range(take))).map(({ end, ms }) => ({ end, ms }));
}

/** Forgets a take and every byte of it held in IndexedDB. */
export async function forgetTake(db: Database, take: string): Promise<void> {
  const tx = db.transaction(['takes', 'marks', 'chunks'], 'readwrite');
  await Promise.all([
    tx.objectStore('takes').delete(take),
    tx.objectStore('marks').delete(range(take)),
    tx.objectStore('chunks').delete(range(take)),
    tx.done,
  ]);
}

/** Where a take's chunks lie in IndexedDB: [start, end) of each, ascending. */
export async function chunkSize(db: Database, take: string): Promise<number> {
  const cursor = await db.transaction('chunks').store.openCursor(range(take), 'prev');
  return cursor ? cursor.value.start + cursor.value.bytes.byteLength : 0;
}
