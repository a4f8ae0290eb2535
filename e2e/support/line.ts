import net from 'node:net';
import { Transform } from 'node:stream';

/**
 * A line between a browser and the server that can be cut: a TCP proxy on a free
 * port. While cut, open connections are gone and new ones are refused. It can be slow
 * on the way to the server, too.
 */
export class Line {
  private readonly sockets = new Set<net.Socket>();
  private readonly listener: net.Server;
  private isCut = false;
  private bytesPerSecond = Infinity;

  private constructor(target: () => number) {
    this.listener = net.createServer((inner) => {
      if (this.isCut) {
        inner.resetAndDestroy();
        return;
      }
      const outer = net.connect(target(), '127.0.0.1');
      for (const [from, to] of [
        [inner, outer],
        [outer, inner],
      ] as const) {
        this.sockets.add(from);
        from.on('error', () => to.destroy());
        from.on('close', () => {
          this.sockets.delete(from);
          to.destroy();
        });
      }
      inner.pipe(this.throttle()).pipe(outer);
      outer.pipe(inner);
    });
  }

  /** Opens a line to the server at the given address, which may change its port. */
  static async open(url: () => string): Promise<Line> {
    const line = new Line(() => Number(new URL(url()).port));
    await new Promise<void>((resolve) => line.listener.listen(0, '127.0.0.1', resolve));
    return line;
  }

  get url(): string {
    return `http://localhost:${(this.listener.address() as net.AddressInfo).port}`;
  }

  cut(): void {
    this.isCut = true;
    for (const socket of this.sockets) socket.resetAndDestroy();
  }

  mend(): void {
    this.isCut = false;
  }

  /** Lets only so many bytes of each connection pass in a second. */
  slowDown(bytesPerSecond: number): void {
    this.bytesPerSecond = bytesPerSecond;
  }

  private throttle(): Transform {
    return new Transform({
      transform: (chunk: Buffer, _, done) => {
        if (this.bytesPerSecond === Infinity) done(null, chunk);
        else setTimeout(() => done(null, chunk), (chunk.length / this.bytesPerSecond) * 1000);
      },
    });
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.listener.close(resolve));
  }
}
