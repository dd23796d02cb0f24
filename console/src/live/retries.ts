// When live video that has ended is connected again. Pure.

const FIRST_WAIT_MS = 1000;
/** A wall screen has no person who presses its button. A cause that stays ends the tries instead. */
const LONGEST_WAIT_MS = 30_000;

/** Each wait is twice as long as the one before, until pictures arrive. */
export class Retries {
  private waitMs = FIRST_WAIT_MS;

  /** Return how long to wait before the next try. */
  next(): number {
    const waitMs = this.waitMs;
    this.waitMs = Math.min(LONGEST_WAIT_MS, 2 * waitMs);
    return waitMs;
  }

  /** Begin again: pictures arrive, or the person wants them now. */
  reset(): void {
    this.waitMs = FIRST_WAIT_MS;
  }
}
