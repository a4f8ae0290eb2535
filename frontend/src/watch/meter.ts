/** What is told of a visit: where it is, and how much was watched in all. */
export interface Report {
  position_ms: number;
  watched_ms: number;
  first?: boolean;
}

const COUNTS_AFTER_S = 3;
const TELL_EVERY_S = 30;
const KEEP_EVERY_S = 5;
// timeupdate comes at least four times a second: a larger step is a seek, not watching.
const STEP_S = 2;

/** Adds up what was really watched, in seconds of the video. */
export class Meter {
  private watched = 0;
  private told = 0;
  private last = 0;
  private kept = 0;

  tick(now: number, rate: number, paused: boolean): void {
    const step = now - this.last;
    this.last = now;
    if (!paused && step > 0 && step <= STEP_S * rate) this.watched += step;
  }

  /** What to tell now, null when it is not yet time. On leaving, whatever counts at all. */
  report(position: number, leaving: boolean): Report | null {
    const first = this.told === 0;
    const enough = leaving
      ? this.watched > this.told + 1
      : this.watched >= this.told + TELL_EVERY_S;
    if (this.watched < COUNTS_AFTER_S || !(first || enough)) return null;
    this.told = this.watched;
    const report: Report = {
      position_ms: Math.round(position * 1000),
      watched_ms: Math.round(this.watched * 1000),
    };
    return first ? { ...report, first } : report;
  }

  /** True when the place moved so far that it is worth keeping. */
  placeMoved(now: number): boolean {
    if (Math.abs(now - this.kept) < KEEP_EVERY_S) return false;
    this.kept = now;
    return true;
  }
}
