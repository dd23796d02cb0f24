// The form of a new export as the address of the page has it: `#/exports?camera=…&camera=…&from=…`.
// Pure.

export interface ExportDraft {
  cameras: readonly string[];
  fromMs: number | null;
  toMs: number | null;
}

const DAY_MS = 86_400_000;

/** Return the draft of an address. Values that are no times count as absent. */
export function draftOf(parameters: URLSearchParams): ExportDraft {
  return {
    cameras: [...new Set(parameters.getAll("camera").filter(Boolean))],
    fromMs: instant(parameters.get("from")),
    toMs: instant(parameters.get("to")),
  };
}

/** Return the parameters of an address that opens the form with this draft. */
export function parametersOfDraft(draft: ExportDraft): URLSearchParams {
  const parameters = new URLSearchParams(draft.cameras.map((id) => ["camera", id]));
  if (draft.fromMs !== null) parameters.set("from", new Date(draft.fromMs).toISOString());
  if (draft.toMs !== null) parameters.set("to", new Date(draft.toMs).toISOString());
  return parameters;
}

export interface ExportRange {
  camera: string;
  from: string;
  to: string;
}

/**
 * Return the ranges of a draft, or null if it is not complete.
 *
 * The API exports at most a day in one range, so a longer draft has several ranges of each camera.
 */
export function rangesOf(draft: ExportDraft): ExportRange[] | null {
  const { cameras, fromMs, toMs } = draft;
  if (cameras.length === 0 || fromMs === null || toMs === null || fromMs >= toMs) return null;
  const starts: number[] = [];
  for (let startMs = fromMs; startMs < toMs; startMs += DAY_MS) starts.push(startMs);
  return cameras.flatMap((camera) =>
    starts.map((startMs) => ({
      camera,
      from: new Date(startMs).toISOString(),
      to: new Date(Math.min(startMs + DAY_MS, toMs)).toISOString(),
    })),
  );
}

/** Return a size as a text, such as `1.2 GB`. */
export function sizeText(bytes: number): string {
  const units = ["kB", "MB", "GB", "TB"];
  let size = bytes / 1000;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${size.toFixed(size < 10 ? 1 : 0)} ${units[unit] ?? ""}`;
}

function instant(text: string | null): number | null {
  const instantMs = Date.parse(text ?? "");
  return Number.isNaN(instantMs) ? null : instantMs;
}
