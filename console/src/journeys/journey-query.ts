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

function instant(text: string | null): number | null {
  const instantMs = Date.parse(text ?? "");
  return Number.isNaN(instantMs) ? null : instantMs;
}
