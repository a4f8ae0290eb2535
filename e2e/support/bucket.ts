import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';

import { keptPort } from './port.ts';

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
    const bucket = new Bucket(`127.0.0.1:${await keptPort()}`, folder);
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
  async kill9(): Promise<void> {
    const child = this.process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
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
    for (;;) {
      const answer = await fetch(`${this.origin}/health`).catch(() => undefined);
      if (answer?.ok) return;
      if (this.process?.exitCode !== null) throw new Error('the S3 server has ended');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
