import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * Another site: a server on 127.0.0.1, which browsers keep apart from localhost, where Meanwhile is. It has one page for
 * each path, with whatever it was given.
 */
export class Site {
  private readonly pages = new Map<string, string>();
  private readonly server: Server;

  private constructor() {
    this.server = createServer((asked, answer) => {
      const page = this.pages.get(new URL(asked.url ?? '/', 'http://x').pathname);
      answer.writeHead(page === undefined ? 404 : 200, { 'content-type': 'text/html' });
      answer.end(`<!doctype html><title>Another site</title>${page ?? ''}`);
    });
  }

  static async open(): Promise<Site> {
    const site = new Site();
    await new Promise<void>((resolve) => site.server.listen(0, '127.0.0.1', resolve));
    return site;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Puts up a page and returns its address. */
  show(path: string, html: string): string {
    this.pages.set(path, html);
    return this.origin + path;
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}
