/// <reference lib="webworker" />
/**
 * Holds the one synchronous access handle of a take. Write and flush per chunk is the only way whose bytes were all
 * there after SIGKILL (Chromium 156); `createWritable()` keeps nothing until it is closed.
 */
import { takesFolder, type Answer, type Order } from './opfs-protocol';

let handle: FileSystemSyncAccessHandle | null = null;
let size = 0;

function need(): FileSystemSyncAccessHandle {
  if (!handle) throw new Error('The local file is not open.');
  return handle;
}

function write(bytes: ArrayBuffer): void {
  const file = need();
  const data = new Uint8Array(bytes);
  let done = 0;
  try {
    while (done < data.length) {
      const n = file.write(data.subarray(done), { at: size + done });
      if (n <= 0)
        throw new DOMException('No room left in the browser’s storage.', 'QuotaExceededError');
      done += n;
    }
    file.flush();
  } catch (cause) {
    // A half-written chunk must not count: the caller keeps it elsewhere, and readers go by the size.
    file.truncate(size);
    throw cause;
  }
  size += data.length;
}

function read(start: number, end: number): ArrayBuffer {
  const length = Math.max(0, Math.min(end, size) - start);
  const buffer = new Uint8Array(length);
  const n = need().read(buffer, { at: start });
  return buffer.buffer.slice(0, n);
}

async function run(order: Order): Promise<ArrayBuffer | null> {
  switch (order.op) {
    case 'open': {
      const folder = await (
        await navigator.storage.getDirectory()
      ).getDirectoryHandle(takesFolder, { create: true });
      const file = await folder.getFileHandle(order.name, { create: true });
      handle = await file.createSyncAccessHandle();
      size = handle.getSize();
      return null;
    }
    case 'write':
      write(order.bytes);
      return null;
    case 'read':
      return read(order.start, order.end);
    case 'close':
      handle?.flush();
      handle?.close();
      handle = null;
      return null;
  }
}

let queue: Promise<void> = Promise.resolve();

self.onmessage = (event: MessageEvent<Order>) => {
  const order = event.data;
  queue = queue.then(async () => {
    let answer: Answer;
    try {
      answer = { id: order.id, size, bytes: null };
      const bytes = await run(order);
      answer = { id: order.id, size, bytes };
    } catch (cause) {
      answer = {
        id: order.id,
        size,
        bytes: null,
        error: cause instanceof Error ? cause.message : String(cause),
      };
    }
    self.postMessage(answer, answer.bytes ? [answer.bytes] : []);
  });
};
