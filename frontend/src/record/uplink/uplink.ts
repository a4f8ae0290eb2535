/**
 * Brings one take to the server, for as long as it takes: creates the video when the server is there, follows the
 * growing local copy with one PATCH per chunk, starts again from the server's offset after every failure, declares
 * the length at the end and is complete only when a HEAD has confirmed the whole of it.
 */
import { Upload, type DetailedError, type HttpStack } from 'tus-js-client';
import { ApiError } from '@/api/errors';
import { randomId } from '../id';
import { GrowingSource, type Readable } from './source';
import { stallingStack } from './stack';
import {
  backoff,
  fromStatus,
  isFinal,
  problemCode,
  problemDetail,
  trouble,
  type Trouble,
} from './trouble';

/** Where a take goes: the video on the server. */
export interface Target {
  videoId: string;
  slug: string;
  uploadUrl: string;
  watchUrl: string;
}

/** What the page shows about sending. */
export interface UplinkView {
  phase: 'waiting' | 'sending' | 'troubled' | 'refused' | 'complete' | 'ended';
  /** Bytes the server has acknowledged. */
  acked: number;
  target: Target | null;
  trouble: Trouble | null;
}

/** What an uplink needs from outside. */
export interface UplinkOptions {
  bytes: Readable;
  target: Target | null;
  /** Makes the video; rejects with an ApiError. */
  create: (key: string) => Promise<Target>;
  onChange: (view: UplinkView) => void;
  /** The upload was made with its length (a file), not with a length to be declared at the end (a take). */
  known?: boolean;
  /** Bytes in one PATCH at most. */
  pieceBytes?: number;
  stack?: HttpStack;
  /** Waits before attempt n; resolves early when the line may be back. */
  pause?: (attempt: number, cut: AbortSignal) => Promise<void>;
}

// After an outage the backlog goes out in pieces of this size, so that "saved up to" moves and a new cut costs little.
const pieceBytes = 2 * 1024 * 1024;

/** See the file comment. Call `run` once; `grown` and `finish` as the take goes on. */
export class Uplink {
  readonly source: GrowingSource;
  private readonly options: UplinkOptions;
  private readonly stack: HttpStack;
  private readonly end = new AbortController();
  private current: Upload | null = null;
  private failures = 0;
  /** The same for all attempts to make the video, whose answers may be lost. */
  private wish = randomId();
  private announce: () => void = () => undefined;
  /** Resolves when the video exists on the server. */
  readonly targeted = new Promise<void>((resolve) => (this.announce = resolve));
  view: UplinkView;

  constructor(options: UplinkOptions) {
    this.options = options;
    this.stack = options.stack ?? stallingStack();
    this.source = new GrowingSource(options.bytes);
    this.view = { phase: 'waiting', acked: 0, target: options.target, trouble: null };
  }

  /** Sends until the server has it all (true), refuses for good or `stop` is called (false). */
  async run(): Promise<boolean> {
    while (!this.end.signal.aborted) {
      const wrong = await this.attempt();
      if (!wrong) {
        this.show({ phase: 'complete', trouble: null });
        return true;
      }
      if (this.end.signal.aborted) break;
      this.show({ phase: isFinal(wrong) ? 'refused' : 'troubled', trouble: wrong });
      if (isFinal(wrong)) return false;
      await (this.options.pause ?? waitForLine)(this.failures++, this.end.signal);
    }
    this.show({ phase: 'ended' });
    return false;
  }

  /** Gives up sending; nothing is deleted anywhere. */
  async stop(): Promise<void> {
    this.end.abort();
    await this.current?.abort().catch(() => undefined);
    this.source.grown();
  }

  /** Before another `run` after a refusal: the bytes go to a new video. */
  forgetTarget(): void {
    this.failures = 0;
    this.wish = randomId();
    this.show({ phase: 'waiting', acked: 0, target: null, trouble: null });
  }

  private show(change: Partial<UplinkView>): void {
    this.view = { ...this.view, ...change };
    this.options.onChange(this.view);
  }

  private async attempt(): Promise<Trouble | null> {
    try {
      const target = this.view.target ?? (await this.options.create(this.wish));
      if (!this.view.target) this.show({ target });
      this.announce();
      return (await this.send(target.uploadUrl)) ?? (await this.confirm(target.uploadUrl));
    } catch (cause) {
      return cause instanceof ApiError
        ? fromStatus(cause.status, cause.message)
        : trouble('offline');
    }
  }

  private send(uploadUrl: string): Promise<Trouble | null> {
    return new Promise((resolve) => {
      this.end.signal.addEventListener('abort', () => resolve(trouble('offline')), { once: true });
      // A fresh Upload for each attempt: tus-js-client would send the bytes an earlier, cut attempt still waits for.
      this.current = new Upload(new Blob([]), {
        uploadUrl: here(uploadUrl),
        uploadLengthDeferred: !this.options.known,
        chunkSize: this.options.pieceBytes ?? pieceBytes,
        retryDelays: null,
        storeFingerprintForResuming: false,
        httpStack: this.stack,
        fingerprint: () => Promise.resolve(''),
        fileReader: { openFile: () => Promise.resolve(this.tusSource()) },
        onUploadUrlAvailable: () => this.show({ phase: 'sending', trouble: null }),
        onChunkComplete: (_size, acked) => {
          this.failures = 0;
          this.show({ phase: 'sending', acked, trouble: null });
        },
        onSuccess: () => resolve(null),
        onError: (error) => resolve(fromUpload(error)),
      });
      this.current.start();
    });
  }

  private tusSource() {
    const { source } = this;
    return {
      size: source.size,
      slice: (start: number, end: number) => source.slice(start, end),
      close: () => undefined,
    };
  }

  /** Asks the server what it has. Only this makes a take complete. */
  private async confirm(uploadUrl: string): Promise<Trouble | null> {
    const request = this.stack.createRequest('HEAD', here(uploadUrl));
    request.setHeader('Tus-Resumable', '1.0.0');
    const answer = await request.send(null);
    if (answer.getStatus() >= 300)
      return fromStatus(answer.getStatus(), problemDetail(answer.getBody()));
    const offset = Number.parseInt(answer.getHeader('Upload-Offset') ?? '', 10);
    if (Number.isNaN(offset)) return trouble('busy');
    this.show({ acked: offset });
    // Success before our own end: the server closed the upload by itself while we were away.
    return this.source.finished && offset >= this.source.size ? null : trouble('closed');
  }
}

function fromUpload(error: Error | DetailedError): Trouble {
  const answer = 'originalResponse' in error ? error.originalResponse : null;
  if (!answer) return trouble('offline');
  const body = answer.getBody();
  return fromStatus(answer.getStatus(), problemDetail(body), problemCode(body));
}

/** The upload on our own origin: behind a proxy or on 127.0.0.1 the configured base URL may name another host. */
function here(url: string): string {
  const { pathname, search } = new URL(url, location.href);
  return new URL(pathname + search, location.origin).href;
}

/** Exponential backoff that ends early when the browser says it is online or the page is looked at again. */
export function waitForLine(attempt: number, cut: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      window.removeEventListener('online', done);
      document.removeEventListener('visibilitychange', seen);
      cut.removeEventListener('abort', done);
      resolve();
    };
    const seen = () => document.visibilityState === 'visible' && done();
    const timer = setTimeout(done, backoff(attempt));
    window.addEventListener('online', done);
    document.addEventListener('visibilitychange', seen);
    cut.addEventListener('abort', done);
  });
}
