/** What the recorder needs of a running take, whichever way its bytes go. */
import type { UplinkView } from './uplink/uplink';

/** A take that runs: kept in this browser and sent (Take), or sent live and kept nowhere (LiveTake). */
export interface Taking {
  readonly record: { title: string; readonly videoId: string | null };
  readonly uplink: {
    readonly view: UplinkView;
    /** Resolves when the video exists on the server. */
    readonly targeted: Promise<void>;
  };
  /** The title the server was given; a later one must be sent after it. */
  readonly createdTitle: string | null;
  /** Recorded time that the server has, in milliseconds. */
  readonly savedMs: number;
  /** Bytes recorded or sent so far. */
  readonly bytes: number;
  /** Whether the end of this tab loses nothing that could be kept. */
  readonly durable: boolean;
  start(): void;
  pause(): void;
  resume(): void;
  stop(durationMs: number): Promise<void>;
  /** Resolves true when the server has it all. */
  confirmed(): Promise<boolean>;
  /** Throws the take away. */
  discard(): Promise<void>;
  /** Lets the take go: the page goes away. */
  leave(): Promise<void>;
}
