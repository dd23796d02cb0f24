// A journey as the address of the page has it. Names are those of `GET /v1/journeys`.

export interface JourneyQuery {
  plate: string;
  fuzzy: boolean;
  fromMs: number | null;
  toMs: number | null;
}

export function queryOf(parameters: URLSearchParams): JourneyQuery {
  return {
    plate: (parameters.get("plate") ?? "").trim(),
    fuzzy: parameters.get("fuzzy") === "1",
    fromMs: instant(parameters.get("from")),
    toMs: instant(parameters.get("to")),
  };
}

export interface JourneyFilters {
  plate: string;
  fuzzy?: true;
  from?: string;
  to?: string;
}

export function apiQueryOf(query: JourneyQuery): JourneyFilters {
  return {
    plate: query.plate.trim(),
    ...(query.fuzzy ? { fuzzy: true as const } : {}),
    ...(query.fromMs === null ? {} : { from: new Date(query.fromMs).toISOString() }),
    ...(query.toMs === null ? {} : { to: new Date(query.toMs).toISOString() }),
  };
}

export function parametersOf(query: JourneyQuery): URLSearchParams {
  const { fuzzy, ...others } = apiQueryOf(query);
  return new URLSearchParams(fuzzy ? { ...others, fuzzy: "1" } : { ...others });
}

/** Return a duration as hours, minutes and seconds, such as `1:02:03` or `0:45`. */
export function durationText(seconds: number): string {
  const whole = Math.abs(Math.round(seconds));
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const shown = parts[0] === 0 ? parts.slice(1) : parts;
  const text = shown.map((part, index) => (index === 0 ? `${part}` : `${part}`.padStart(2, "0")));
  return (seconds < 0 ? "-" : "") + text.join(":");
}

/** Return a distance in metres, or in kilometres from one on. */
export function distanceText(metres: number): string {
  return metres < 1000 ? `${Math.round(metres)} m` : `${(metres / 1000).toFixed(1)} km`;
}

function instant(text: string | null): number | null {
  const instantMs = Date.parse(text ?? "");
  return Number.isNaN(instantMs) ? null : instantMs;
}
