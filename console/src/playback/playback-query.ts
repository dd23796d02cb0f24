// What is played back, as the address of the page has it: `#/playback?camera=…&camera=…&at=…`.

export interface PlaybackQuery {
  /** The ids of the cameras, in the order of their pictures. */
  cameras: readonly string[];
  atMs: number | null;
  /** The chosen range, which can be downloaded. */
  fromMs: number | null;
  toMs: number | null;
}

export const MAX_CAMERAS = 9;

export function queryOf(parameters: URLSearchParams): PlaybackQuery {
  const cameras = [...new Set(parameters.getAll("camera").filter(Boolean))];
  return {
    cameras: cameras.slice(0, MAX_CAMERAS),
    atMs: instant(parameters.get("at")),
    fromMs: instant(parameters.get("from")),
    toMs: instant(parameters.get("to")),
  };
}

export function parametersOf(query: PlaybackQuery): URLSearchParams {
  const parameters = new URLSearchParams(query.cameras.map((id) => ["camera", id]));
  const times = { at: query.atMs, from: query.fromMs, to: query.toMs };
  for (const [name, instantMs] of Object.entries(times)) {
    if (instantMs !== null) parameters.set(name, new Date(instantMs).toISOString());
  }
  return parameters;
}

/** Return the address of one moment of a camera, for links from other pages. */
export function momentOf(camera: string, atMs: number): URLSearchParams {
  return parametersOf({ cameras: [camera], atMs, fromMs: null, toMs: null });
}

/** Return the chosen range; null unless it has a start before its end. */
export function rangeOf(query: PlaybackQuery): { fromMs: number; toMs: number } | null {
  const { fromMs, toMs } = query;
  return fromMs !== null && toMs !== null && fromMs < toMs ? { fromMs, toMs } : null;
}

function instant(text: string | null): number | null {
  const instantMs = Date.parse(text ?? "");
  return Number.isNaN(instantMs) ? null : instantMs;
}
