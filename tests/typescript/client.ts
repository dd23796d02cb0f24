// A client of the API as an integrator would write it, with types generated from /openapi.json.
// It prints what it received as one JSON object; tests/api/description/test_typescript.py compares it.

import createClient from "openapi-fetch";
import type { components, paths, webhooks } from "./api.d.ts";

type EventView = components["schemas"]["EventView"];
type Problem = components["schemas"]["Problem"];
type WebhookBody =
  webhooks["watchMatch"]["post"]["requestBody"]["content"]["application/json"];

const [baseUrl, token] = process.argv.slice(2);
if (baseUrl === undefined || token === undefined) throw new Error("usage: client.ts URL TOKEN");

// `/v1/events` may answer CSV or NDJSON too; a client that requests neither says so here.
type Media = "application/json" | "application/problem+json" | "text/event-stream";

const api = createClient<paths, Media>({
  baseUrl,
  headers: { Authorization: `Bearer ${token}`, "X-Reason": "a test of the client" },
});

async function allEvents(): Promise<EventView[]> {
  const events: EventView[] = [];
  let next: string | null = null;
  do {
    const page: { data?: components["schemas"]["EventList"]; error?: Problem } = await api.GET(
      "/v1/events",
      { params: { query: { limit: 2, ...(next === null ? {} : { next }) } } },
    );
    if (page.data === undefined) throw new Error(page.error?.detail ?? "no answer");
    events.push(...page.data.items);
    next = page.data.next;
  } while (next !== null);
  return events;
}

async function problemOf(id: string): Promise<Problem> {
  const { error } = await api.GET("/v1/events/{id}", { params: { path: { id } } });
  if (error === undefined) throw new Error(`${id} exists`);
  return error;
}

// The data of each message of the feed has a type of its own.
async function feedStatus(): Promise<components["schemas"]["FeedStatusMessage"]> {
  const { data } = await api.GET("/v1/events/feed", {
    params: { query: { seconds: 0 } },
    parseAs: "text",
  });
  const line = data?.split("\n").find((text) => text.startsWith("data: "));
  if (line === undefined) throw new Error("the feed sent no message");
  return JSON.parse(line.slice("data: ".length));
}

function describe(match: WebhookBody): string {
  return `${match.plate} at ${match.event.camera}`;
}

const events = await allEvents();
const first = events[0];
if (first === undefined) throw new Error("there are no events");
const one = await api.GET("/v1/events/{id}", { params: { path: { id: first.id } } });
if (one.data === undefined) throw new Error(one.error.detail);
const clipReady: boolean = one.data.clip_ready; // Fails to compile if the field may be absent.
const plate: components["schemas"]["Plate"] | null = one.data.plate;

console.log(
  JSON.stringify({
    ids: events.map((event) => event.id),
    event: { id: one.data.id, clipReady, plate: plate?.text ?? null },
    problem: await problemOf("01JD7Z3V5G8M2K4Q6R9T1W3Y5A"),
    status: await feedStatus(),
    webhook: typeof describe,
  }),
);
