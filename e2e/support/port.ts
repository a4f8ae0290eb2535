import { once } from 'node:events';
import { createServer } from 'node:net';

/** Tests that run at the same time keep to ports of their own. */
const worker = Number(process.env.TEST_PARALLEL_INDEX ?? 0);

/**
 * A port for who wants it back after having been killed: below the range from which
 * the system takes ports for outgoing connections, so that nobody has it meanwhile.
 */
export async function keptPort(): Promise<number> {
  for (;;) {
    const port = 20_000 + 6_000 * worker + Math.floor(Math.random() * 6_000);
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
