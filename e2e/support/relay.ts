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
  private readonly outward = new Map<string, dgram.Socket>();

  private readonly left: dgram.Socket[] = [];
  private inward = dgram.createSocket('udp4');

  private constructor() {}

  static async open(): Promise<Relay> {
    const relay = new Relay();
    await relay.listen();
    return relay;
  }

  private async listen(): Promise<void> {
    this.inward.on('message', (packet, from) => {
      if (!this.isCut && this.target) this.toward(from).send(packet, this.target, '127.0.0.1');
    });
    this.inward.bind(0, '127.0.0.1');
    await once(this.inward, 'listening');
  }

  /** Goes on at another port, as after a change of networks: only a restart of ICE finds it. */
  async move(): Promise<void> {
    this.inward.removeAllListeners('message');
    this.left.push(this.inward, ...this.outward.values());
    this.outward.clear();
    this.inward = dgram.createSocket('udp4');
    await this.listen();
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
    for (const socket of [...this.left, ...this.outward.values(), this.inward]) {
      const closed = once(socket, 'close');
      socket.close();
      await closed;
    }
  }

  /** The socket for one address of the browser, which is not the loopback's, so that answers find back. */
  private toward({ address, port }: dgram.RemoteInfo): dgram.Socket {
    const { inward } = this;
    let socket = this.outward.get(`${address} ${port}`);
    if (!socket) {
      socket = dgram.createSocket('udp4');
      socket.on('message', (packet) => {
        if (!this.isCut) inward.send(packet, port, address);
      });
      this.outward.set(`${address} ${port}`, socket);
    }
    return socket;
  }
}
