/** The local copy of one take: bytes are appended here first and only then offered to the server. */

/** An append-only byte store that can be read while it grows. */
export interface Spool {
  /** Bytes appended so far. */
  readonly size: number;
  /** Whether the bytes survive a crash of the tab. */
  readonly durable: boolean;
  /** Appends and resolves when the bytes are handed to the disk. */
  append(bytes: ArrayBuffer): Promise<void>;
  /** Reads [start, end), shorter when the spool is. */
  read(start: number, end: number): Promise<Blob>;
  /** Releases handles; the bytes stay. */
  close(): Promise<void>;
}

/** Which browser store holds a take's bytes. */
export type Backend = 'opfs' | 'idb' | 'memory';

/** Last resort where neither OPFS nor IndexedDB works: nothing survives the tab, but the recording runs. */
export class MemorySpool implements Spool {
  readonly durable = false;
  size = 0;
  private parts: Blob[] = [];

  append(bytes: ArrayBuffer): Promise<void> {
    this.parts.push(new Blob([bytes]));
    this.size += bytes.byteLength;
    return Promise.resolve();
  }

  read(start: number, end: number): Promise<Blob> {
    return Promise.resolve(new Blob(this.parts).slice(start, end));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/**
 * Goes on in memory when the disk behind it refuses (quota, disk full), so that a full disk never ends a take. Reads
 * join both. `onSpill` is told once.
 */
export class SpillingSpool implements Spool {
  private tail: MemorySpool | null = null;
  private readonly disk: Spool;
  private readonly onSpill: (cause: unknown) => void;

  constructor(disk: Spool, onSpill: (cause: unknown) => void) {
    this.disk = disk;
    this.onSpill = onSpill;
  }

  get size(): number {
    return this.disk.size + (this.tail?.size ?? 0);
  }

  get durable(): boolean {
    return this.disk.durable && !this.tail;
  }

  async append(bytes: ArrayBuffer): Promise<void> {
    if (this.tail) return this.tail.append(bytes);
    // The disk's worker takes the buffer with it, so a copy must stay for the case that it refuses.
    const copy = bytes.slice(0);
    try {
      await this.disk.append(bytes);
    } catch (cause) {
      this.tail = new MemorySpool();
      await this.tail.append(copy);
      this.onSpill(cause);
    }
  }

  async read(start: number, end: number): Promise<Blob> {
    const edge = this.disk.size;
    const head = start < edge ? await this.disk.read(start, Math.min(end, edge)) : new Blob([]);
    if (!this.tail || end <= edge) return head;
    return new Blob([head, await this.tail.read(Math.max(0, start - edge), end - edge)]);
  }

  close(): Promise<void> {
    return this.disk.close();
  }
}
