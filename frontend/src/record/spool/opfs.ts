/** The origin private file system as a spool. */
import { takesFolder, type Answer, type Order } from './opfs-protocol';
import type { Spool } from './spool';

type Body = Order extends infer O ? (O extends Order ? Omit<O, 'id'> : never) : never;

/** A take's file, written through a worker. */
export class OpfsSpool implements Spool {
  readonly durable = true;
  size = 0;
  private next = 1;
  private closed = false;
  private readonly open = new Map<
    number,
    { resolve: (a: Answer) => void; reject: (e: Error) => void }
  >();
  private readonly worker: Worker;

  private constructor(worker: Worker) {
    this.worker = worker;
    worker.onmessage = (event: MessageEvent<Answer>) => this.settle(event.data);
    worker.onerror = () => this.fail(new Error('The local storage worker stopped.'));
  }

  /** Opens or makes the file of a take. Rejects where the browser has no OPFS (private windows, old Safari). */
  static async open(name: string): Promise<OpfsSpool> {
    if (!('storage' in navigator) || !('getDirectory' in navigator.storage))
      throw new Error('No OPFS here.');
    const worker = new Worker(new URL('./opfs.worker.ts', import.meta.url), { type: 'module' });
    const spool = new OpfsSpool(worker);
    try {
      spool.size = (await spool.ask({ op: 'open', name })).size;
      return spool;
    } catch (cause) {
      worker.terminate();
      throw cause;
    }
  }

  async append(bytes: ArrayBuffer): Promise<void> {
    this.size = (await this.ask({ op: 'write', bytes }, [bytes])).size;
  }

  async read(start: number, end: number): Promise<Blob> {
    const { bytes } = await this.ask({ op: 'read', start, end: Math.min(end, this.size) });
    return new Blob(bytes ? [bytes] : []);
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    await this.ask({ op: 'close' }).catch(() => undefined);
    this.worker.terminate();
    this.fail(new Error('The local file is closed.'));
  }

  private ask(body: Body, transfer: Transferable[] = []): Promise<Answer> {
    const id = this.next++;
    return new Promise((resolve, reject) => {
      this.open.set(id, { resolve, reject });
      this.worker.postMessage({ ...body, id }, transfer);
    });
  }

  private settle(answer: Answer): void {
    const waiting = this.open.get(answer.id);
    this.open.delete(answer.id);
    if (answer.error === undefined) waiting?.resolve(answer);
    else waiting?.reject(new Error(answer.error));
  }

  private fail(cause: Error): void {
    for (const waiting of this.open.values()) waiting.reject(cause);
    this.open.clear();
  }
}

async function folder(): Promise<FileSystemDirectoryHandle> {
  return (await navigator.storage.getDirectory()).getDirectoryHandle(takesFolder, { create: true });
}

/** The bytes of a take that nobody is writing, or null when there are none. */
export async function opfsFile(name: string): Promise<File | null> {
  try {
    return await (await (await folder()).getFileHandle(name)).getFile();
  } catch {
    return null;
  }
}

/** Removes a take's file; no error when it is gone already. */
export async function removeOpfsFile(name: string): Promise<void> {
  try {
    await (await folder()).removeEntry(name);
  } catch (cause) {
    if (!(cause instanceof DOMException && cause.name === 'NotFoundError')) throw cause;
  }
}
