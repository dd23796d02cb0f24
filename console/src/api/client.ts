// The client of the HTTP API, with types that are generated from its OpenAPI description.
import createClient from "openapi-fetch";
import { headersFor } from "./credentials.ts";
import { fetched } from "./fetched.ts";
import { type ApiProblem, Offline, problemOf } from "./problem.ts";
import { reachability } from "./reachable.ts";
import type { components, paths } from "./schema.d.ts";

export type Schemas = components["schemas"];
export type EventView = Schemas["EventView"];
export type MatchView = Schemas["MatchView"];
export type CameraView = Schemas["CameraView"];
export type AreaView = Schemas["AreaView"];

/** The media types that this client requests; a search can also answer a file of rows. */
type Media = "application/json" | "application/problem+json";

let language = "zh-CN";
let onSignedOut: () => void = () => undefined;

/** Choose the language of the problems that the API answers. */
export function setLanguage(name: string): void {
  language = name;
}

/** Call `listener` whenever the API answers that the session has ended. */
export function listenForSignOut(listener: () => void): void {
  onSignedOut = listener;
}

/** Return the headers that each request of the person has. */
export function headersOfRequest(method: string): Record<string, string> {
  return { ...headersFor(method), "Accept-Language": language };
}

/**
 * Send a request with the credentials of the person. Throws Offline, and AbortError.
 *
 * A header that the request has already is kept, such as the reason of one change.
 */
export async function send(request: Request): Promise<Response> {
  for (const [name, value] of Object.entries(headersOfRequest(request.method))) {
    if (!request.headers.has(name)) request.headers.set(name, value);
  }
  try {
    return await fetched(request);
  } catch (error) {
    if (error instanceof Offline) void reachability.missed();
    throw error;
  }
}

/** Return the headers of a change that has its own reason. */
export function reasonHeader(reason: string): Record<string, string> {
  return { "X-Reason": encodeURIComponent(reason) };
}

export const api = createClient<paths, Media>({
  baseUrl: location.origin,
  fetch: send,
  cache: "no-store",
});

/** Return the data of an answer. Throws ApiProblem, Offline, and AbortError. */
export async function result<Data>(
  answering: Promise<{ data?: Data; error?: unknown; response: Response }>,
): Promise<NonNullable<Data>> {
  const { data, error, response } = await answering;
  if (data !== undefined && data !== null) return data;
  throw reported(problemOf(response, error));
}

/** Return the content of a path of the API, such as a picture. Throws as `result` does. */
export async function content(path: string, signal: AbortSignal): Promise<Blob> {
  const response = await send(new Request(path, { signal, cache: "no-store" }));
  if (response.ok) return await response.blob();
  const body: unknown = await response.json().catch(() => null);
  throw reported(problemOf(response, body));
}

/** Return a problem, after a report if it says that the session has ended. */
export function reported(problem: ApiProblem): ApiProblem {
  if (problem.status === 401 && problem.kind === "unauthenticated") onSignedOut();
  return problem;
}

/** Return all items of a list that is answered in pages. */
export async function allItems<Item>(
  page: (next: string | undefined) => Promise<{ items: Item[]; next: string | null }>,
): Promise<Item[]> {
  const items: Item[] = [];
  for (let next: string | undefined; ; ) {
    const answer = await page(next);
    items.push(...answer.items);
    if (answer.next === null) return items;
    next = answer.next;
  }
}
