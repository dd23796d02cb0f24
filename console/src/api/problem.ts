// Why a request has failed: the API's problem document (RFC 9457), or no answer at all.
import { sentenceOf } from "./message.ts";

const PREFIX = "urn:sightline:problem:";

/** What a request for the approval of a second person names. */
export interface NeededApproval {
  call: string;
  terms: Record<string, string>;
}

/** A refusal or a failure that the API has answered. */
export class ApiProblem extends Error {
  override readonly name = "ApiProblem";
  readonly status: number;
  /** The kind of the problem without its prefix, such as `reason_missing`. */
  readonly kind: string;
  readonly title: string;
  readonly retryAfterS: number | null;
  /** Present if the call needs the approval of a second person. */
  readonly approval: NeededApproval | null;

  constructor(
    status: number,
    kind: string,
    title: string,
    detail: string,
    retryAfterS: number | null,
    approval: NeededApproval | null = null,
  ) {
    super(detail);
    this.status = status;
    this.kind = kind;
    this.title = title;
    this.retryAfterS = retryAfterS;
    this.approval = approval;
  }
}

/** No answer arrived: the server or the network is down. */
export class Offline extends Error {
  override readonly name = "Offline";
}

export type Failure = ApiProblem | Offline;

/** Return the problem of an answer from its parsed body, which may be of another program. */
export function problemOf(
  response: Response,
  body: unknown,
  nowMs: number = Date.now(),
): ApiProblem {
  const fields = typeof body === "object" && body !== null ? body : {};
  const text = (name: string): string => {
    const value: unknown = Reflect.get(fields, name);
    return typeof value === "string" ? value : "";
  };
  return new ApiProblem(
    response.status,
    text("type").replace(PREFIX, ""),
    text("title") || `HTTP ${response.status}`,
    sentenceOf(Reflect.get(fields, "message"), text("detail")),
    retryAfterOf(response.headers.get("Retry-After"), nowMs),
    approvalOf(Reflect.get(fields, "approval")),
  );
}

/** Return the seconds of a `Retry-After` (RFC 9110, section 10.2.3); null without a valid one. */
function retryAfterOf(header: string | null, nowMs: number): number | null {
  if (header === null) return null;
  if (/^\d+$/.test(header)) return Number(header);
  const atMs = header.endsWith(" GMT") ? Date.parse(header) : Number.NaN;
  return Number.isNaN(atMs) ? null : Math.max(0, Math.ceil((atMs - nowMs) / 1000));
}

/** Return the approval that a problem names; null without a complete one. */
function approvalOf(value: unknown): NeededApproval | null {
  if (typeof value !== "object" || value === null) return null;
  const call: unknown = Reflect.get(value, "call");
  const terms: unknown = Reflect.get(value, "terms");
  if (typeof call !== "string" || typeof terms !== "object" || terms === null) return null;
  const texts = Object.entries(terms).filter(
    (term): term is [string, string] => typeof term[1] === "string",
  );
  return { call, terms: Object.fromEntries(texts) };
}

/** Return whether an error only says that a newer request has replaced this one. */
export function isAborted(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

/** Return an error as a failure that a page can show; a fault of the program is thrown again. */
export function failureOf(error: unknown): Failure {
  if (error instanceof ApiProblem || error instanceof Offline) return error;
  throw error;
}
