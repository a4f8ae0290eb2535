/** Takes in this browser: begin one, write it, find those left behind, let them go. */
import {
  addMark,
  forgetTake,
  marksOf,
  openDatabase,
  type Database,
  type TakeRecord,
  chunkSize,
} from './database';
import { IdbSpool } from './idb';
import { heldTakes } from './locks';
import { OpfsSpool, opfsFile, removeOpfsFile } from './opfs';
import { MemorySpool, type Backend, type Spool } from './spool';
import type { Mark } from '../uplink/marks';

/** A take left behind, with what this browser holds of it. */
export interface LeftTake extends TakeRecord {
  marks: Mark[];
}

/** The browser's takes. Every method tolerates a browser that stores nothing. */
export class Takes {
  private database: Promise<Database> | null = null;

  private db(): Promise<Database> {
    this.database ??= openDatabase().catch((cause: unknown) => {
      this.database = null;
      throw cause;
    });
    return this.database;
  }

  /** Opens the best store for a new take: OPFS, else IndexedDB, else memory. */
  async openSpool(id: string): Promise<{ spool: Spool; backend: Backend }> {
    // Asking to persist keeps the browser from evicting a long recording when the disk runs low.
    void navigator.storage?.persist?.().catch(() => false);
    try {
      return { spool: await OpfsSpool.open(id), backend: 'opfs' };
    } catch {
      // Next best.
    }
    try {
      return { spool: await IdbSpool.open(await this.db(), id), backend: 'idb' };
    } catch {
      return { spool: new MemorySpool(), backend: 'memory' };
    }
  }

  /** Notes what a take is. */
  async save(take: TakeRecord): Promise<void> {
    await (await this.db()).put('takes', take);
  }

  /** Notes a chunk that is on disk. */
  async mark(take: TakeRecord, mark: Mark): Promise<void> {
    await addMark(await this.db(), take, mark);
  }

  /** Takes that no tab is working on, newest first; traces without a single byte are swept on the way. */
  async left(): Promise<LeftTake[]> {
    const db = await this.db();
    const [all, held] = await Promise.all([db.getAll('takes'), heldTakes()]);
    const free = all.filter((take) => !held.has(take.id));
    const found: LeftTake[] = [];
    for (const take of free) {
      const bytes = await this.sizeOf(take);
      if (bytes > 0) found.push({ ...take, bytes, marks: await marksOf(db, take.id) });
      else if (Date.now() - take.startedAt > 60_000) await this.remove(take);
    }
    return found.sort((a, b) => b.startedAt - a.startedAt);
  }

  private async sizeOf(take: TakeRecord): Promise<number> {
    if (take.backend === 'idb') return chunkSize(await this.db(), take.id);
    return (await this.bytesOf(take))?.size ?? 0;
  }

  /** The local bytes of a take nobody is writing. */
  async bytesOf(take: TakeRecord): Promise<Blob | null> {
    if (take.backend === 'opfs') return opfsFile(take.id);
    if (take.backend === 'memory') return null;
    const spool = await IdbSpool.open(await this.db(), take.id);
    return spool.read(0, spool.size);
  }

  /** Removes the local copy. Only for what the server has confirmed or the person has thrown away. */
  async remove(take: TakeRecord): Promise<void> {
    if (take.backend === 'opfs') await removeOpfsFile(take.id);
    await forgetTake(await this.db(), take.id);
  }
}
