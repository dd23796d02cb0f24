// When live video that has ended is connected again. Pure.

const FIRST_WAIT_MS = 1000;
/** Each try is in the audit log, so a camera that stays away is tried a few times an hour. */
const LONGEST_WAIT_MS = 300_000;

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
