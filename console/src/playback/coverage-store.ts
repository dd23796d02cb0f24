// The coverage of the shown cameras: it is read for the part of time that is shown.
import { api, result } from "../api/client.ts";
import { type Failure, failureOf, isAborted } from "../api/problem.ts";
import { type Coverage, coverageOf, includes, nextRecorded, type Recorded } from "./coverage.ts";
import { MAX_SPAN_MS } from "./time-window.ts";

/** What is read at least, so that small movements of the window need no reading. */
const LEAST_MARGIN_MS = 30 * 60_000;
/** A coverage that ends now grows, so it is read again after this time. */
const RENEWED_AFTER_MS = 5000;

interface Known {
  /** Undefined if it was never read, because reading it failed. */
  coverage: Coverage | undefined;
  /** That of the details of gaps and of the failure, which are sentences of the API. */
  language: string;
  readAtMs: number;
  hasFailed: boolean;
}

export class CoverageStore {
  failure: Failure | null = null;
  private readonly known = new Map<string, Known>();
  private readonly running = new Map<string, AbortController>();
  private readonly onChange: () => void;

  constructor(onChange: () => void) {
    this.onChange = onChange;
  }

  of(camera: string): Coverage | undefined {
    return this.known.get(camera)?.coverage;
  }

  /**
   * Read the coverage of a range for each camera that lacks it, or has an old one or one in another
   * language.
   */
  ensure(cameras: readonly string[], range: Recorded, nowMs: number, language: string): void {
    for (const camera of cameras) {
      const known = this.known.get(camera);
      if (known?.language !== language || this.mustRead(known, range, nowMs)) {
        void this.read(camera, withMargin(range), nowMs, language);
      }
    }
  }

  private mustRead(known: Known, range: Recorded, nowMs: number): boolean {
    const isRecent = nowMs - known.readAtMs < RENEWED_AFTER_MS;
    const isOld = range.toMs > known.readAtMs && range.fromMs < nowMs;
    if (includes(known.coverage, range) && !isOld && !known.hasFailed) return false;
    return !(isRecent && (includes(known.coverage, range) || known.hasFailed));
  }

  /** Return the first recorded instant of the cameras in the 31 days from `atMs` on, if known. */
  async next(cameras: readonly string[], atMs: number): Promise<number | null> {
    const toMs = Math.min(atMs + MAX_SPAN_MS, Date.now());
    if (toMs <= atMs) return null;
    try {
      const range = { fromMs: atMs, toMs };
      const found = await Promise.all(cameras.map((camera) => readCoverage(camera, range)));
      return nextRecorded(found, atMs);
    } catch (error) {
      this.failure = failureOf(error);
      return null;
    }
  }

  end(): void {
    for (const reading of this.running.values()) reading.abort();
  }

  private async read(
    camera: string,
    range: Recorded,
    nowMs: number,
    language: string,
  ): Promise<void> {
    if (this.running.has(camera)) return;
    const reading = new AbortController();
    this.running.set(camera, reading);
    try {
      const coverage = await readCoverage(camera, range, reading.signal);
      this.known.set(camera, { coverage, language, readAtMs: nowMs, hasFailed: false });
      this.failure = null;
    } catch (error) {
      if (isAborted(error)) return;
      this.failure = failureOf(error);
      const coverage = this.of(camera);
      this.known.set(camera, { coverage, language, readAtMs: nowMs, hasFailed: true });
    } finally {
      this.running.delete(camera);
    }
    this.onChange();
  }
}

function withMargin({ fromMs, toMs }: Recorded): Recorded {
  const marginMs = Math.max(LEAST_MARGIN_MS, (toMs - fromMs) / 2);
  const spareMs = Math.max(0, (MAX_SPAN_MS - (toMs - fromMs)) / 2);
  const byMs = Math.min(marginMs, spareMs);
  return { fromMs: Math.floor(fromMs - byMs), toMs: Math.floor(toMs + byMs) };
}

async function readCoverage(
  camera: string,
  range: Recorded,
  signal: AbortSignal | null = null,
): Promise<Coverage> {
  const query = {
    from: new Date(range.fromMs).toISOString(),
    to: new Date(range.toMs).toISOString(),
  };
  const params = { path: { id: camera }, query };
  return coverageOf(
    await result(
      api.GET("/v1/cameras/{id}/coverage", { params, ...(signal === null ? {} : { signal }) }),
    ),
  );
}
