// A query of the audit log as the address of the page has it. Names are those of `GET /v1/audit`.

export const OUTCOMES = ["done", "refused", "failed", "intended"] as const;
export type Outcome = (typeof OUTCOMES)[number];
export const KINDS = ["search", "video", "export", "change", "sign_in", "list"] as const;
export type Kind = (typeof KINDS)[number];
/** The filters that are texts, the usual ones first. */
export const TEXT_FILTERS = ["plate", "person", "camera", "case", "event", "call"] as const;
export type TextFilter = (typeof TEXT_FILTERS)[number];

export interface AuditQuery extends Record<TextFilter, string> {
  kind: Kind | "";
  outcome: Outcome | "";
  fromMs: number | null;
  toMs: number | null;
}

export const EMPTY_QUERY: AuditQuery = {
  plate: "",
  person: "",
  call: "",
  camera: "",
  event: "",
  case: "",
  kind: "",
  outcome: "",
  fromMs: null,
  toMs: null,
};

/** Return the query of an address. Unknown values count as absent. */
export function queryOf(parameters: URLSearchParams): AuditQuery {
  const text = (name: string) => parameters.get(name) ?? "";
  return {
    plate: text("plate"),
    person: text("person"),
    call: text("call"),
    camera: text("camera"),
    event: text("event"),
    case: text("case"),
    kind: KINDS.find((one) => one === text("kind")) ?? "",
    outcome: OUTCOMES.find((one) => one === text("outcome")) ?? "",
    fromMs: instant(text("from")),
    toMs: instant(text("to")),
  };
}

export interface AuditFilters extends Partial<Record<TextFilter, string>> {
  kind?: Kind;
  outcome?: Outcome;
  from?: string;
  to?: string;
}

/** Return the filters that the API is sent, without those that filter nothing. */
export function apiFiltersOf(query: AuditQuery): AuditFilters {
  const filters: AuditFilters = {};
  for (const name of TEXT_FILTERS) {
    const value = query[name].trim();
    if (value) filters[name] = value;
  }
  if (query.kind) filters.kind = query.kind;
  if (query.outcome) filters.outcome = query.outcome;
  if (query.fromMs !== null) filters.from = new Date(query.fromMs).toISOString();
  if (query.toMs !== null) filters.to = new Date(query.toMs).toISOString();
  return filters;
}

/** Return how a line ended: of a call by its HTTP status, of a command by its exit code. */
export function outcomeOf(line: { status: number | null }): Outcome {
  if (line.status === null) return "intended";
  if (line.status < 100) return line.status === 0 ? "done" : "failed";
  if (line.status >= 500) return "failed";
  return line.status >= 400 ? "refused" : "done";
}

function instant(text: string): number | null {
  const instantMs = Date.parse(text);
  return Number.isNaN(instantMs) ? null : instantMs;
}
