// What is recorded of each camera, and why the rest is not. Pure.
import type { Schemas } from "../api/client.ts";
import { sentenceOf } from "../api/message.ts";

export type CoverageView = Schemas["CoverageView"];
export type GapCause = Schemas["GapCause"];
export type PartlyCause = Schemas["PartlyCause"];

export interface Recorded {
  fromMs: number;
  toMs: number;
}

export interface Gap extends Recorded {
  cause: GapCause;
  detail: string;
  isOngoing: boolean;
}

/** A time in which passings of a checkpoint may have been missed. */
export interface PartlyAnalysed extends Recorded {
  cause: PartlyCause;
}

/** The coverage of one camera between two instants. */
export interface Coverage {
  fromMs: number;
  toMs: number;
  recorded: readonly Recorded[];
  gaps: readonly Gap[];
  offline: readonly string[];
  /** Empty for a camera that is no checkpoint. */
  partlyAnalysed: readonly PartlyAnalysed[];
}

/** `open`: not known yet, because the API has no answer, or because it is too recent. */
export type Moment = { kind: "recorded" } | { kind: "gap"; gap: Gap } | { kind: "open" };

export function coverageOf(view: CoverageView): Coverage {
  return {
    fromMs: Date.parse(view.from),
    toMs: Date.parse(view.to),
    recorded: view.recorded.map((part) => ({
      fromMs: Date.parse(part.from),
      toMs: Date.parse(part.to),
    })),
    gaps: view.gaps.map((gap) => ({
      fromMs: Date.parse(gap.from),
      toMs: Date.parse(gap.to),
      cause: gap.cause,
      detail: sentenceOf(gap.message, gap.detail),
      isOngoing: gap.ongoing,
    })),
    offline: view.offline,
    partlyAnalysed: (view.analysed?.partly ?? []).map((part) => ({
      fromMs: Date.parse(part.from),
      toMs: Date.parse(part.to),
      cause: part.cause,
    })),
  };
}

export function momentAt(coverage: Coverage | undefined, atMs: number): Moment {
  if (coverage === undefined) return { kind: "open" };
  if (coverage.recorded.some((part) => part.fromMs <= atMs && atMs < part.toMs)) {
    return { kind: "recorded" };
  }
  const gap = coverage.gaps.find((one) => one.fromMs <= atMs && atMs < one.toMs);
  return gap === undefined ? { kind: "open" } : { kind: "gap", gap };
}

/** Return the first recorded instant of any of the cameras at or after `atMs`; null if none. */
export function nextRecorded(coverages: Iterable<Coverage>, atMs: number): number | null {
  let firstMs = Number.POSITIVE_INFINITY;
  for (const { recorded } of coverages) {
    for (const part of recorded) {
      if (part.toMs > atMs) firstMs = Math.min(firstMs, Math.max(atMs, part.fromMs));
    }
  }
  return Number.isFinite(firstMs) ? firstMs : null;
}

/** Return how much of a range is recorded. */
export function recordedMs(coverage: Coverage, range: Recorded): number {
  const parts = coverage.recorded.map(
    (part) => Math.min(part.toMs, range.toMs) - Math.max(part.fromMs, range.fromMs),
  );
  return parts.filter((partMs) => partMs > 0).reduce((total, partMs) => total + partMs, 0);
}

/** Return whether a coverage was read for all of a range. */
export function includes(coverage: Coverage | undefined, range: Recorded): boolean {
  return coverage !== undefined && coverage.fromMs <= range.fromMs && range.toMs <= coverage.toMs;
}
