import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiProblem } from "../api/problem.ts";
import { FeedHub, type HubMessage, type PostToTab } from "./feed-hub.ts";
import type { FeedRequest, Follow } from "./follow-feed.ts";

const MATCHES: FeedRequest = { path: "/v1/watches/feed", query: {}, headers: {}, owner: "li" };
const HIT = { event: "match", data: "{}", id: "7" };

interface Opened {
  request: FeedRequest;
  signal: AbortSignal;
  send: () => void;
  attempt: () => void;
  refuse: (problem: unknown) => void;
}

/** Return a hub with the connections that it opens, each of which the test drives. */
function hubWithConnections(): { hub: FeedHub; opened: Opened[] } {
  const opened: Opened[] = [];
  const follow: Follow = (request, signal, onMessage, onAttempt) =>
    new Promise((_, refuse) => {
      opened.push({ request, signal, send: () => onMessage(HIT), attempt: onAttempt, refuse });
    });
  return { hub: new FeedHub(follow), opened };
}

function tab(): { post: PostToTab; received: HubMessage[] } {
  const received: HubMessage[] = [];
  return { post: (message) => received.push(message), received };
}

test("two tabs share a connection, which ends with the last of them", () => {
  const { hub, opened } = hubWithConnections();
  const [first, second] = [tab(), tab()];
  hub.take(first.post, { kind: "open", id: 1, request: MATCHES });
  opened[0]?.attempt();
  hub.take(second.post, { kind: "open", id: 4, request: { ...MATCHES } });
  opened[0]?.send();
  assert.equal(opened.length, 1);
  assert.deepEqual(first.received, [
    { kind: "attempt", id: 1 },
    { kind: "message", id: 1, message: HIT },
  ]);
  assert.deepEqual(second.received, [
    { kind: "attempt", id: 4 },
    { kind: "message", id: 4, message: HIT },
  ]);
  hub.take(first.post, { kind: "leave" });
  assert.equal(opened[0]?.signal.aborted, false);
  hub.take(second.post, { kind: "end", id: 4 });
  assert.equal(opened[0]?.signal.aborted, true);
  hub.take(first.post, { kind: "open", id: 2, request: MATCHES });
  assert.equal(opened.length, 2, "an ended connection is not used again");
});

test("another person, another search and another reason have their own connections", () => {
  const { hub, opened } = hubWithConnections();
  const others = [
    MATCHES,
    { ...MATCHES, owner: "wang" },
    { ...MATCHES, query: { plate: "鄂C12345" } },
    { ...MATCHES, headers: { "X-Reason": "theft" } },
  ];
  for (const [id, request] of others.entries()) {
    hub.take(tab().post, { kind: "open", id, request });
  }
  assert.equal(opened.length, others.length);
});

test("a refusal reaches every tab with its kind and sentence", async () => {
  const { hub, opened } = hubWithConnections();
  const [first, second] = [tab(), tab()];
  hub.take(first.post, { kind: "open", id: 1, request: MATCHES });
  hub.take(second.post, { kind: "open", id: 2, request: MATCHES });
  opened[0]?.refuse(new ApiProblem(401, "unauthenticated", "Not signed in", "Sign in.", null));
  await Promise.resolve();
  const problem = {
    status: 401,
    kind: "unauthenticated",
    title: "Not signed in",
    detail: "Sign in.",
    retryAfterS: null,
  };
  assert.deepEqual(first.received, [{ kind: "refused", id: 1, problem }]);
  assert.deepEqual(second.received, [{ kind: "refused", id: 2, problem }]);
});
