import { createHash, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the provider says of who signs in. */
export interface Claims {
  sub: string;
  email: string;
  email_verified: boolean;
  name: string;
}

/** An OpenID Connect provider that lets in whoever `person` is, without asking. */
export class Provider {
  person: Claims = {
    sub: '1',
    email: 'pat@example.org',
    email_verified: true,
    name: 'Pat Provided',
  };
  private readonly keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
  private readonly codes = new Map<string, URLSearchParams>();

  private constructor(private readonly server: Server) {}

  static async open(): Promise<Provider> {
    const server = createServer();
    const provider = new Provider(server);
    server.on('request', (asked, answer) => void provider.answer(asked, answer));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return provider;
  }

  get issuer(): string {
    return `http://localhost:${(this.server.address() as AddressInfo).port}`;
  }

  /** The settings that lead here. */
  get environment(): Record<string, string> {
    return {
      MEANWHILE_OIDC_ISSUER: this.issuer,
      MEANWHILE_OIDC_CLIENT_ID: 'meanwhile',
      MEANWHILE_OIDC_CLIENT_SECRET: 'secret of the client',
      MEANWHILE_OIDC_NAME: 'Example ID',
    };
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  private async answer(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const url = new URL(asked.url ?? '/', this.issuer);
    const json = (body: unknown, status = 200) => {
      answer.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    if (url.pathname === '/.well-known/openid-configuration') {
      json({
        issuer: this.issuer,
        authorization_endpoint: `${this.issuer}/authorize`,
        token_endpoint: `${this.issuer}/token`,
        jwks_uri: `${this.issuer}/keys`,
        response_types_supported: ['code'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['RS256'],
      });
    } else if (url.pathname === '/keys') {
      const key = this.keys.publicKey.export({ format: 'jwk' });
      json({ keys: [{ ...key, kid: 'one', alg: 'RS256', use: 'sig' }] });
    } else if (url.pathname === '/authorize') {
      const code = randomUUID();
      this.codes.set(code, url.searchParams);
      const back = new URL(url.searchParams.get('redirect_uri') ?? '');
      back.searchParams.set('code', code);
      back.searchParams.set('state', url.searchParams.get('state') ?? '');
      answer.writeHead(302, { location: back.href }).end();
    } else if (url.pathname === '/token') {
      let body = '';
      for await (const chunk of asked) body += String(chunk);
      const form = new URLSearchParams(body);
      const begun = this.codes.get(form.get('code') ?? '');
      this.codes.delete(form.get('code') ?? '');
      const challenge = createHash('sha256')
        .update(form.get('code_verifier') ?? '')
        .digest('base64url');
      if (!begun || begun.get('code_challenge') !== challenge) {
        json({ error: 'invalid_grant' }, 400);
        return;
      }
      json({
        access_token: 'none',
        token_type: 'Bearer',
        id_token: this.token(begun.get('nonce') ?? ''),
      });
    } else json({}, 404);
  }

  private token(nonce: string): string {
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      iss: this.issuer,
      aud: 'meanwhile',
      iat: now,
      exp: now + 300,
      nonce,
      ...this.person,
    };
    const encode = (part: unknown) => Buffer.from(JSON.stringify(part)).toString('base64url');
    const text = `${encode({ alg: 'RS256', kid: 'one' })}.${encode(claims)}`;
    return `${text}.${sign('RSA-SHA256', Buffer.from(text), this.keys.privateKey).toString('base64url')}`;
  }
}
