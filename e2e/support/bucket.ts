import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import path from 'node:path';

const program = path.resolve(import.meta.dirname, '../../.tools/versitygw');

/** A bucket in an S3 server of its own (versitygw), whose pages may be read from other origins. */
export class Bucket {
  private process?: ChildProcess;

  private constructor(
    private readonly address: string,
    private readonly folder: string,
  ) {}

  /** Starts the S3 server over a folder. */
  static async open(folder: string): Promise<Bucket> {
    if (!existsSync(program)) throw new Error('no S3 server: run scripts/tools.sh versitygw');
    mkdirSync(path.join(folder, 'buckets', 'videos'), { recursive: true });
    mkdirSync(path.join(folder, 'meta'));
    const bucket = new Bucket(`127.0.0.1:${await freePort()}`, folder);
    await bucket.start();
    return bucket;
  }

  get origin(): string {
    return `http://${this.address}`;
  }

  /** Starts it, again after kill9. */
  async start(): Promise<void> {
    const options = ['--health', '/health', '--quiet', '--keep-alive', '--cors-allow-origin', '*'];
    const places = [path.join(this.folder, 'meta'), path.join(this.folder, 'buckets')];
    this.process = spawn(
      program,
      ['--port', this.address, ...options, 'posix', '--sidecar', ...places],
      {
        env: { ...process.env, ROOT_ACCESS_KEY: 'access', ROOT_SECRET_KEY: 'secret' },
        stdio: 'ignore',
      },
    );
    await this.ready();
  }

  /** Loses what lies below a key, behind everybody's back. */
  lose(key: string): void {
    rmSync(path.join(this.folder, 'buckets', 'videos', key), { recursive: true });
  }

  /** Nobody listens any more. */
  kill9(): void {
    this.process?.kill('SIGKILL');
  }

  /** What a server must know to keep its media there. */
  get environment(): Record<string, string> {
    return {
      MEANWHILE_OBJECTS_URL: `s3://videos?endpoint=${this.origin}`,
      AWS_ACCESS_KEY_ID: 'access',
      AWS_SECRET_ACCESS_KEY: 'secret',
    };
  }

  private async ready(): Promise<void> {
    for (let tries = 0; ; tries++) {
      const answer = await fetch(`${this.origin}/health`).catch(() => undefined);
      if (answer?.ok) return;
      if (tries > 300) throw new Error('the S3 server does not answer');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** A port that nobody has at the moment. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
