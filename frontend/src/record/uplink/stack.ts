/**
 * HTTP for tus-js-client with a watchdog. Its own XHR stack waits for ever on a half-open connection (no FIN, no
 * RST, as after a change of network); here a request that makes no progress for too long is cut and counts as no answer.
 */
import type { HttpRequest, HttpResponse, HttpStack } from 'tus-js-client';

// Bytes a millisecond (400 kbit/s): what the kernel has taken but not yet brought over shows no progress.
const slowest = 50;

class XhrResponse implements HttpResponse {
  private readonly xhr: XMLHttpRequest;

  constructor(xhr: XMLHttpRequest) {
    this.xhr = xhr;
  }

  getStatus(): number {
    return this.xhr.status;
  }

  getHeader(header: string): string | undefined {
    return this.xhr.getResponseHeader(header) ?? undefined;
  }

  getBody(): string {
    return this.xhr.responseText;
  }

  getUnderlyingObject(): XMLHttpRequest {
    return this.xhr;
  }
}

class XhrRequest implements HttpRequest {
  private readonly xhr = new XMLHttpRequest();
  private readonly headers: Record<string, string> = {};
  private onProgress: ((bytesSent: number) => void) | null = null;
  private aborted = false;
  private readonly method: string;
  private readonly url: string;
  private readonly stallMs: number;

  constructor(method: string, url: string, stallMs: number) {
    this.method = method;
    this.url = url;
    this.stallMs = stallMs;
    this.xhr.open(method, url, true);
  }

  getMethod(): string {
    return this.method;
  }

  getURL(): string {
    return this.url;
  }

  setHeader(header: string, value: string): void {
    this.xhr.setRequestHeader(header, value);
    this.headers[header] = value;
  }

  getHeader(header: string): string | undefined {
    return this.headers[header];
  }

  setProgressHandler(handler: (bytesSent: number) => void): void {
    this.onProgress = handler;
  }

  send(body: XMLHttpRequestBodyInit | null = null): Promise<HttpResponse> {
    // tus-js-client opens the request before it has bytes; an abort in between must not send them after all.
    if (this.aborted) return Promise.reject(new Error('aborted'));
    return new Promise((resolve, reject) => {
      let dog = 0;
      const patience = this.stallMs + (body instanceof Blob ? body.size / slowest : 0);
      const pat = () => {
        clearTimeout(dog);
        dog = window.setTimeout(() => this.xhr.abort(), patience);
      };
      const settle = (act: () => void) => () => {
        clearTimeout(dog);
        act();
      };
      this.xhr.onload = settle(() => resolve(new XhrResponse(this.xhr)));
      this.xhr.onerror = settle(() => reject(new Error('no answer')));
      this.xhr.onabort = settle(() => reject(new Error('cut: no progress')));
      this.xhr.upload.onprogress = (event) => {
        pat();
        if (event.lengthComputable) this.onProgress?.(event.loaded);
      };
      pat();
      this.xhr.send(body);
    });
  }

  abort(): Promise<void> {
    this.aborted = true;
    this.xhr.abort();
    return Promise.resolve();
  }

  getUnderlyingObject(): XMLHttpRequest {
    return this.xhr;
  }
}

/** XHR requests that give up after `stallMs` without progress, and the time their body needs on a slow line. */
export function stallingStack(stallMs = 10_000): HttpStack {
  return {
    createRequest: (method, url) => new XhrRequest(method, url, stallMs),
    getName: () => 'meanwhile',
  };
}
