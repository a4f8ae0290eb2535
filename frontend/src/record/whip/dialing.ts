/** A live connection in the making: it is made during the countdown, and may be dropped. */
import { LiveTake, type LiveOptions } from './live-take';
import { LiveRefusal, refusal } from './words';

/** See the file comment. */
export class Dialing {
  /** The take, or why there is none. */
  readonly outcome: Promise<LiveTake | LiveRefusal>;
  private readonly cut = new AbortController();

  constructor(options: Omit<LiveOptions, 'signal'>) {
    this.outcome = LiveTake.connect({ ...options, signal: this.cut.signal }).catch(
      (cause: unknown) => (cause instanceof LiveRefusal ? cause : refusal(cause)),
    );
  }

  /** Nobody waits for it any more: the server forgets it, since nothing was sent. */
  drop(): void {
    this.cut.abort();
    void this.outcome.then((take) => (take instanceof LiveTake ? take.discard() : undefined));
  }
}
