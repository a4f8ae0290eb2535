import dgram from 'node:dgram';
import { once } from 'node:events';

/**
 * A line for media that can be cut: every packet between a browser and the
 * server's UDP port goes through it. The browser is sent here by changing the
 * candidates in the server's answers, as a router with another port would.
 */
export class Relay {
  /** How often the server has answered a restart of ICE. */
  restarts = 0;
  isCut = false;
  private target = 0;
  private readonly outward = new Map<number, dgram.Socket>();

  private constructor(private readonly inward: dgram.Socket) {
    inward.on('message', (packet, { port }) => {
      if (!this.isCut && this.target) this.toward(port).send(packet, this.target, '127.0.0.1');
    });
  }

  static async open(): Promise<Relay> {
    const socket = dgram.createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new Relay(socket);
  }

  /** Puts this line's port into an answer, or into the fragment of a restart. */
  through(sdp: string): string {
    if (sdp.startsWith('a=ice-')) this.restarts++;
    return sdp.replace(/(a=candidate:\S+ \d udp \d+ 127\.0\.0\.1) (\d+)/gi, (_, head, port) => {
      this.target = Number(port);
      return `${head} ${this.inward.address().port}`;
    });
  }

  cut(): void {
    this.isCut = true;
  }

  mend(): void {
    this.isCut = false;
  }

  async close(): Promise<void> {
    for (const socket of [...this.outward.values(), this.inward]) {
      const closed = once(socket, 'close');
      socket.close();
      await closed;
    }
  }

  /** The socket for one port of the browser, so that answers find back. */
  private toward(port: number): dgram.Socket {
    let socket = this.outward.get(port);
    if (!socket) {
      socket = dgram.createSocket('udp4');
      socket.on('message', (packet) => {
        if (!this.isCut) this.inward.send(packet, port, '127.0.0.1');
      });
      this.outward.set(port, socket);
    }
    return socket;
  }
}
