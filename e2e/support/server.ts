import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import readline from 'node:readline';

import { keptPort } from './port.ts';

const binary =
  process.env.MEANWHILE_BINARY ?? path.resolve(import.meta.dirname, '../../bin/meanwhile');

/**
 * With MEANWHILE_E2E_CLUSTER a test's server is two of them and three workers behind
 * a proxy, over the PostgreSQL and the S3 server that scripts/test-cluster.sh started.
 * It is begun, killed and ended like the one process it stands for.
 */
const cluster = process.env.MEANWHILE_E2E_CLUSTER;

/** The program and its first arguments that stand for `meanwhile`. */
function program(args: string[]): [string, string[]] {
  if (!cluster) return [binary, args];
  return [cluster, args[0] === 'serve' ? args : ['exec', ...args]];
}

/** The person every server of a test begins with. */
export const owner = {
  email: 'owner@example.org',
  name: 'Olive Owner',
  password: 'correct horse battery staple',
};

/**
 * The built binary as a process of its own. It may be killed and started again
 * on the same port and the same data, which is what half of the tests are about.
 */
export class Server {
  /** Log lines of all starts, newest last, for the report of a failed test. */
  readonly log: string[] = [];
  private process?: ChildProcess;
  private port = 0;
  private settled = false;

  constructor(
    readonly data: string,
    private readonly environment: Record<string, string> = {},
  ) {}

  /** Where the server listens. A browser treats localhost as a secure place. */
  get url(): string {
    return `${this.environment.MEANWHILE_TLS ? 'https' : 'http'}://localhost:${this.port}`;
  }

  /** The one-time token that a fresh server prints for its owner, or nothing. */
  get setupToken(): string {
    const found = /\/setup\?token=(\S+)/.exec(this.log.join('\n'));
    return found?.[1] ?? '';
  }

  get pid(): number {
    return this.process?.pid ?? 0;
  }

  /** Starts the server and waits until it answers. */
  async start(): Promise<void> {
    this.port ||= await keptPort();
    const child = spawn(...program(['serve']), {
      env: { ...this.variables(), MEANWHILE_ADDR: `127.0.0.1:${this.port}` },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.process = child;
    const address = new Promise<string>((resolve, reject) => {
      const read = (line: string) => {
        this.log.push(line);
        const found = /"addr":"([^"]+)"/.exec(line);
        if (found?.[1]) resolve(found[1]);
      };
      for (const stream of [child.stdout, child.stderr]) {
        readline.createInterface({ input: stream }).on('line', read);
      }
      child.once('exit', (code) => {
        reject(new Error(`meanwhile serve ended with ${code}:\n${this.log.join('\n')}`));
      });
    });
    this.port = Number((await address).split(':').at(-1));
    await this.ready();
    this.settled = true; // only the first start prints a token
  }

  /** Runs another command of the binary on the same data. */
  async command(args: string[], input = ''): Promise<string> {
    const child = spawn(...program(args), { env: this.variables(), stdio: 'pipe' });
    let out = '';
    child.stdout.on('data', (text) => (out += text));
    child.stderr.on('data', (text) => (out += text));
    child.stdin.end(input);
    const [code] = (await once(child, 'close')) as [number];
    if (code !== 0) throw new Error(`meanwhile ${args.join(' ')} ended with ${code}: ${out}`);
    return out;
  }

  /** As if the machine had lost the process: no signal it could handle. */
  async kill9(): Promise<void> {
    await this.end('SIGKILL');
  }

  /** The end a system's manager asks for. */
  async stop(): Promise<void> {
    await this.end('SIGTERM');
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), 60_000);
    await gone;
    clearTimeout(timer);
  }

  private async ready(): Promise<void> {
    for (;;) {
      const answer = await fetch(`${this.url}/api/session`).catch(() => undefined);
      if (answer?.ok && (this.setupToken || this.settled)) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  private variables(): Record<string, string> {
    return {
      PATH: process.env.PATH ?? '',
      HOME: process.env.HOME ?? '/',
      MEANWHILE_DATA: this.data,
      ...(cluster ? ofCluster() : {}),
      ...this.environment,
    };
  }
}

/** What the cluster's program must know: what to start, and where the stores are. */
function ofCluster(): Record<string, string> {
  const named = Object.entries(process.env).filter(([name]) => /^MEANWHILE_CLUSTER_/.test(name));
  return {
    ...Object.fromEntries(named.map(([name, value]) => [name, value ?? ''])),
    MEANWHILE_BINARY: binary,
  };
}
