/** IndexedDB as a spool, for browsers without OPFS (Firefox private windows, older Safari). */
import { chunkSize, type Database } from './database';
import type { Spool } from './spool';

/** A take's bytes as rows, one per chunk. */
export class IdbSpool implements Spool {
  readonly durable = true;
  size: number;
  private readonly db: Database;
  private readonly take: string;

  private constructor(db: Database, take: string, size: number) {
    this.db = db;
    this.take = take;
    this.size = size;
  }

  /** Opens the rows of a take, none for a new one. */
  static async open(db: Database, take: string): Promise<IdbSpool> {
    return new IdbSpool(db, take, await chunkSize(db, take));
  }

  async append(bytes: ArrayBuffer): Promise<void> {
    const tx = this.db.transaction('chunks', 'readwrite', { durability: 'strict' });
    await Promise.all([tx.store.add({ take: this.take, start: this.size, bytes }), tx.done]);
    this.size += bytes.byteLength;
  }

  async read(start: number, end: number): Promise<Blob> {
    const parts: ArrayBuffer[] = [];
    // The row that covers `start` begins at or before it: walk backwards from the end of the range.
    const keys = IDBKeyRange.bound([this.take, 0], [this.take, Math.max(start, end - 1)]);
    let cursor = await this.db.transaction('chunks').store.openCursor(keys, 'prev');
    while (cursor) {
      const { start: at, bytes } = cursor.value;
      if (at + bytes.byteLength <= start) break;
      parts.unshift(bytes.slice(Math.max(0, start - at), Math.max(0, end - at)));
      cursor = await cursor.continue();
    }
    return new Blob(parts);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
