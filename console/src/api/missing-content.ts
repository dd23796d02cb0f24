// Content that could not be loaded: it is not requested again at once, because each request is in
// the audit log, also if a card is scrolled out of view and back.
import { ApiProblem, type Failure } from "./problem.ts";

/** Content that another request would not find either, such as a deleted picture. */
const PERMANENT_MS = 600_000;
/** Content of a node or a store that does not answer now, or that is being stored. */
const PASSING_MS = 60_000;
const MOST = 5000;
const LEAST_WAIT_S = 2;
const MOST_TRIES = 5;
/** The statuses of content that may be there a moment later, because it is being stored. */
const MAY_APPEAR = [404, 409, 429, 503];
/** Pictures of events that are younger may still be on the way to the store. */
const RECENT_MS = 3_600_000;
/** The id of an event is a ULID, whose first ten characters are its time in milliseconds. */
const EVENT = /^\/v1\/events\/([0-9A-HJKMNP-TV-Z]{10})[0-9A-HJKMNP-TV-Z]{16}\//;
const ULID_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/** The person can remove these by a reason, a case or an approval. */
const OF_PURPOSE = ["reason_missing", "case_required", "approval_required", "unauthenticated"];

type Refusal = Pick<ApiProblem, "status" | "kind" | "retryAfterS">;

/** Return the wait before another try; null if another try would not help. Null is no answer. */
export function waitBeforeRetryS(refusal: Refusal | null, tries: number): number | null {
  if (tries >= MOST_TRIES) return null;
  if (refusal === null) return LEAST_WAIT_S;
  return MAY_APPEAR.includes(refusal.status)
    ? Math.max(LEAST_WAIT_S, refusal.retryAfterS ?? 0)
    : null;
}

/** Return how long to wait after the last try before a path is requested again. */
function blockedMs(path: string, refusal: Refusal, nowMs: number): number {
  const { status, retryAfterS } = refusal;
  if (status === 409 || status === 429) {
    return retryAfterS === null ? PASSING_MS : 1000 * retryAfterS;
  }
  const eventMs = timeOfEventMs(path);
  const isBeingStored = status === 404 && eventMs !== null && nowMs - eventMs < RECENT_MS;
  const isPassing = isBeingStored || (status >= 500 && status !== 501);
  return isPassing ? PASSING_MS : PERMANENT_MS;
}

/** Return the time of the event that a path is of; null for other paths. */
function timeOfEventMs(path: string): number | null {
  const digits = EVENT.exec(path)?.[1];
  if (digits === undefined) return null;
  return [...digits].reduce((time, digit) => 32 * time + ULID_DIGITS.indexOf(digit), 0);
}

/** Remembers what was not found after the last try, by person and path. */
export class MissingContent {
  private readonly known = new Map<string, { failure: Failure; untilMs: number }>();

  note(owner: string, path: string, failure: Failure, nowMs: number): void {
    const refusal = failure instanceof ApiProblem ? failure : null;
    if (refusal === null || OF_PURPOSE.includes(refusal.kind)) return;
    const key = keyOf(owner, path);
    this.known.delete(key);
    this.known.set(key, { failure, untilMs: nowMs + blockedMs(path, refusal, nowMs) });
    for (const oldest of this.known.keys()) {
      if (this.known.size <= MOST) break;
      this.known.delete(oldest);
    }
  }

  /** Return why the content is missing; null if it may be requested. */
  of(owner: string, path: string, nowMs: number): Failure | null {
    const found = this.known.get(keyOf(owner, path));
    return found !== undefined && nowMs < found.untilMs ? found.failure : null;
  }
}

function keyOf(owner: string, path: string): string {
  return `${owner} ${path}`;
}
