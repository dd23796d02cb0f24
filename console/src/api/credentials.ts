// How requests prove the person: the cookie of a session, or a token; and why the person reads.
import type { Schemas } from "./client.ts";

export interface Purpose {
  reason: string;
  case: string;
}

export type Credentials = { kind: "session"; csrfToken: string } | { kind: "token"; token: string };

const TOKEN = "sightline.token";
const REASON = "sightline.reason";
const CASE = "sightline.case";
const NO_PURPOSE: Purpose = { reason: "", case: "" };

let current: Credentials | null = null;

/** Use a token in this tab. It is forgotten when the tab is closed. The purpose of another token is
 * not its own.
 */
export function adoptToken(token: string): void {
  if (sessionStorage.getItem(TOKEN) !== token) forgetCredentials();
  sessionStorage.setItem(TOKEN, token);
  current = { kind: "token", token };
}

/** Use the token that this tab had before a reload, or else the session of the browser. */
export function restoreCredentials(): void {
  const token = sessionStorage.getItem(TOKEN);
  current = token === null ? null : { kind: "token", token };
}

/** Take over the CSRF token of a session that the API has confirmed. */
export function adoptSession(view: Schemas["SessionView"]): void {
  if (view.csrf_token !== null) current = { kind: "session", csrfToken: view.csrf_token };
}

export function forgetCredentials(): void {
  for (const name of [TOKEN, REASON, CASE]) sessionStorage.removeItem(name);
  current = null;
}

export function usesToken(): boolean {
  return current?.kind === "token";
}

/** Return what identifies the session or the token; it is as secret as they are. */
export function ownerOfCredentials(): string {
  if (current === null) return "";
  return current.kind === "session" ? current.csrfToken : current.token;
}

/** Return the purpose of a token, which has no session that could keep it. */
export function tokenPurpose(): Purpose {
  if (!usesToken()) return NO_PURPOSE;
  return {
    reason: sessionStorage.getItem(REASON) ?? "",
    case: sessionStorage.getItem(CASE) ?? "",
  };
}

export function setTokenPurpose(purpose: Purpose): void {
  sessionStorage.setItem(REASON, purpose.reason);
  sessionStorage.setItem(CASE, purpose.case);
}

/** Return the headers of a request. Those of a token also carry the purpose. */
export function headersFor(method: string): Record<string, string> {
  if (current === null) return {};
  if (current.kind === "session") {
    return method === "GET" ? {} : { "X-CSRF-Token": current.csrfToken };
  }
  const headers: Record<string, string> = { Authorization: `Bearer ${current.token}` };
  const purpose = tokenPurpose();
  if (purpose.reason) headers["X-Reason"] = encodeURIComponent(purpose.reason);
  if (purpose.case) headers["X-Case"] = encodeURIComponent(purpose.case);
  return headers;
}
