import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

/** A letter as the mail server got it. */
export interface Letter {
  to: string;
  subject: string;
  /** The part for people who read plain text. */
  text: string;
}

/** A mail server that keeps what it is given (RFC 5321, as much of it as it takes). */
export class MailServer {
  readonly letters: Letter[] = [];
  private waiting: (() => void)[] = [];

  private constructor(private readonly server: Server) {}

  static async open(): Promise<MailServer> {
    const server = createServer();
    const mail = new MailServer(server);
    server.on('connection', (socket) => mail.serve(socket));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return mail;
  }

  /** The setting that leads here. */
  get url(): string {
    return `smtp://127.0.0.1:${(this.server.address() as AddressInfo).port}?starttls=off`;
  }

  async close(): Promise<void> {
    this.server.close();
    await once(this.server, 'close');
  }

  /** The newest letter to an address with these words in its subject; waits until it comes. */
  async letter(to: string, subject: RegExp): Promise<Letter> {
    for (;;) {
      const found = this.letters.findLast((l) => l.to === to && subject.test(l.subject));
      if (found) return found;
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }

  private serve(socket: Socket): void {
    let buffer = '';
    let to = '';
    let data: string | null = null;
    const say = (line: string) => socket.write(`${line}\r\n`);
    say('220 sink ready');
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      buffer += chunk.toString('latin1');
      for (let end = buffer.indexOf('\r\n'); end >= 0; end = buffer.indexOf('\r\n')) {
        const line = buffer.slice(0, end);
        buffer = buffer.slice(end + 2);
        if (data !== null) {
          if (line === '.') {
            this.keep(to, data);
            data = null;
            say('250 kept');
          } else data += `${line.replace(/^\./, '')}\r\n`;
          continue;
        }
        const verb = line.slice(0, 4).toUpperCase();
        if (verb === 'EHLO' || verb === 'HELO') say('250 sink');
        else if (verb === 'RCPT') {
          to = /<([^>]+)>/.exec(line)?.[1] ?? '';
          say('250 fine');
        } else if (verb === 'DATA') {
          data = '';
          say('354 go on');
        } else if (verb === 'QUIT') {
          say('221 bye');
          socket.end();
        } else say('250 fine');
      }
    });
  }

  private keep(to: string, raw: string): void {
    const subject = /^Subject: (.*(?:\r\n[ \t].*)*)/m.exec(raw)?.[1] ?? '';
    const part = raw.split(/^Content-Type: text\/plain/m)[1] ?? raw;
    const body = part.slice(part.indexOf('\r\n\r\n') + 4).split(/^--/m)[0] ?? '';
    const packed = /Content-Transfer-Encoding: base64/i.test(part.split('\r\n\r\n')[0] ?? '');
    const text = packed ? Buffer.from(body, 'base64').toString() : unquote(body);
    this.letters.push({ to, subject, text });
    for (const wake of this.waiting.splice(0)) wake();
  }
}

/** Undoes quoted-printable (RFC 2045, section 6.7). */
function unquote(text: string): string {
  const bytes = text
    .replace(/=\r\n/g, '')
    .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString();
}
