// Content that could not be loaded: it is not requested again at once, because each request is in
// the audit log, also if a card is scrolled out of view and back.
import type { ApiProblem, Failure } from "./problem.ts";

/** Content that another request would not find either, such as a deleted picture. */
const PERMANENT_MS = 600_000;
/** Content of a node or a store that does not answer now. */
const PASSING_MS = 60_000;
const MOST = 5000;
const LEAST_WAIT_S = 2;
const MOST_TRIES = 5;
/** The statuses of content that may be there a moment later, because it is being stored. */
const MAY_APPEAR = [404, 409, 429, 503];
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

/** Remembers what was not found after the last try, by person and path. */
export class MissingContent {
  private readonly known = new Map<string, { failure: Failure; untilMs: number }>();

  note(key: string, failure: Failure, refusal: Refusal | null, nowMs: number): void {
    if (refusal === null || OF_PURPOSE.includes(refusal.kind)) return;
    const isPassing = refusal.status >= 500 && refusal.status !== 501;
    this.known.delete(key);
    this.known.set(key, { failure, untilMs: nowMs + (isPassing ? PASSING_MS : PERMANENT_MS) });
    for (const oldest of this.known.keys()) {
      if (this.known.size <= MOST) break;
      this.known.delete(oldest);
    }
  }

  /** Return why the content is missing; null if it may be requested. */
  of(key: string, nowMs: number): Failure | null {
    const found = this.known.get(key);
    return found !== undefined && nowMs < found.untilMs ? found.failure : null;
  }
}
