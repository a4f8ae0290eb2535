/** A growing file for tus-js-client: a slice resolves as soon as any byte past its start exists. */

/** What a source reads from. */
export interface Readable {
  readonly size: number;
  read(start: number, end: number): Promise<Blob>;
}

/** What tus-js-client wants back from a slice; `done` makes it declare the length. */
export interface Slice {
  value: Blob | null;
  done: boolean;
}

/** Bytes that grow until `finish`. One instance outlives many attempts to send it. */
export class GrowingSource {
  private waiting: (() => void)[] = [];
  private whole = false;
  private readonly bytes: Readable;

  constructor(bytes: Readable) {
    this.bytes = bytes;
  }

  /** Bytes there are so far. */
  get size(): number {
    return this.bytes.size;
  }

  /** Whether no more bytes will come. */
  get finished(): boolean {
    return this.whole;
  }

  /** Says that bytes were added. */
  grown(): void {
    const wake = this.waiting;
    this.waiting = [];
    wake.forEach((go) => go());
  }

  /** Says that the size is final. */
  finish(): void {
    this.whole = true;
    this.grown();
  }

  /** Resolves when there is a byte past `start`, or none will come. */
  async available(start: number): Promise<void> {
    while (!this.whole && this.bytes.size <= start) {
      await new Promise<void>((go) => this.waiting.push(go));
    }
  }

  /** The bytes in [start, end) that exist, waiting for the first of them. */
  async slice(start: number, end: number): Promise<Slice> {
    await this.available(start);
    const to = Math.min(end, this.bytes.size);
    const value = to > start ? await this.bytes.read(start, to) : null;
    const sent = start + (value?.size ?? 0);
    return { value, done: this.whole && sent >= this.bytes.size };
  }
}
