/** Unfinished uploads in IndexedDB, so that a reload or a closed browser does not start them over. */
import { openDB, type DBSchema, type IDBPDatabase } from 'idb';

/** One unfinished upload. */
export interface Entry {
  id: string;
  fingerprint: string;
  name: string;
  size: number;
  type: string;
  startedAt: number;
  uploadUrl: string | null;
  videoId: string | null;
  slug: string | null;
  /** Lets the browser open the same file again after a question (Chromium). */
  handle: FileSystemFileHandle | null;
}

interface Schema extends DBSchema {
  uploads: { key: string; value: Entry };
}

/** Where entries are kept; a browser that stores nothing keeps them until the page is left. */
export class Ledger {
  private database: Promise<IDBPDatabase<Schema>> | null = null;
  private readonly name: string;

  constructor(name = 'meanwhile-uploads') {
    this.name = name;
  }

  /** All unfinished uploads, oldest first. */
  async all(): Promise<Entry[]> {
    const entries = await (await this.db()).getAll('uploads');
    return entries.sort((a, b) => a.startedAt - b.startedAt);
  }

  async put(entry: Entry): Promise<void> {
    await (await this.db()).put('uploads', entry);
  }

  async remove(id: string): Promise<void> {
    await (await this.db()).delete('uploads', id);
  }

  private db(): Promise<IDBPDatabase<Schema>> {
    this.database ??= openDB<Schema>(this.name, 1, {
      upgrade: (db) => void db.createObjectStore('uploads', { keyPath: 'id' }),
    });
    return this.database;
  }
}
