import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Message {
  id: string;
  type: string;
  raw: string;
  headers: IncomingHttpHeaders;
}

/** A program that is told of events. */
export class Receiver {
  readonly messages: Message[] = [];
  /** What it answers. */
  status = 204;

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async open(): Promise<Receiver> {
    const server = createServer((request, response) => {
      let raw = '';
      request.setEncoding('utf8').on('data', (text: string) => (raw += text));
      request.on('end', () => {
        const { type } = JSON.parse(raw) as { type: string };
        const id = String(request.headers['webhook-id']);
        receiver.messages.push({ id, type, raw, headers: request.headers });
        response.writeHead(receiver.status).end('said in private');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const receiver = new Receiver(server, `http://127.0.0.1:${port}/hook`);
    return receiver;
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

/** Says whether a message is signed by a secret and not older than five minutes, as docs/webhooks.md has it. */
export function verify(secret: string, { headers, raw }: Message): boolean {
  const at = String(headers['webhook-timestamp']);
  if (Math.abs(Date.now() / 1000 - Number(at)) > 300) return false;
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const signed = `${String(headers['webhook-id'])}.${at}.${raw}`;
  const expected = createHmac('sha256', key).update(signed).digest();
  return String(headers['webhook-signature'])
    .split(' ')
    .some((one) => {
      const given = Buffer.from(one.replace(/^v1,/, ''), 'base64');
      return given.length === expected.length && timingSafeEqual(given, expected);
    });
}
