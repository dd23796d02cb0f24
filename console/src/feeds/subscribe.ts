// Follows a feed for this tab: through the shared worker, or else by a connection of its own.
import { headersOfRequest, reported } from "../api/client.ts";
import { ownerOfCredentials } from "../api/credentials.ts";
import { ApiProblem } from "../api/problem.ts";
import type { HubMessage, TabMessage } from "./feed-hub.ts";
import { type FeedRequest, followFeed } from "./follow-feed.ts";
import { startSharedWorker } from "./shared-worker.ts";
import type { ServerMessage } from "./sse.ts";

interface Listener {
  onMessage: (message: ServerMessage) => void;
  onAttempt: () => void;
}

let worker: SharedWorker | null | undefined;
let lastId = 0;

/**
 * Pass each message of a feed on. Ends with `signal`, or throws ApiProblem when it is refused.
 *
 * `onAttempt` is called when the feed is open, and also when an attempt has failed.
 */
export async function subscribe(
  path: string,
  query: Readonly<Record<string, string>>,
  signal: AbortSignal,
  onMessage: (message: ServerMessage) => void,
  onAttempt: () => void,
): Promise<void> {
  const headers = headersOfRequest("GET");
  const request = { path, query, headers, owner: ownerOfCredentials() };
  const shared = sharedWorker();
  try {
    if (shared === null) await followFeed(request, signal, onMessage, onAttempt);
    else await followShared(shared, request, signal, { onMessage, onAttempt });
  } catch (error) {
    throw error instanceof ApiProblem ? reported(error) : error;
  }
}

function sharedWorker(): SharedWorker | null {
  if (worker === undefined) {
    const started = startSharedWorker();
    worker = started;
    started?.port.start();
    // A worker that cannot be loaded sends nothing else; feeds then have their own connections.
    started?.addEventListener("error", () => {
      worker = null;
    });
    window.addEventListener("pagehide", () => started && post(started, { kind: "leave" }));
  }
  return worker;
}

function followShared(
  shared: SharedWorker,
  request: FeedRequest,
  signal: AbortSignal,
  { onMessage, onAttempt }: Listener,
): Promise<void> {
  lastId += 1;
  const id = lastId;
  return new Promise((resolve, reject) => {
    const stop = () => {
      shared.port.removeEventListener("message", take);
      shared.removeEventListener("error", goOnAlone);
      signal.removeEventListener("abort", end);
    };
    const take = ({ data }: MessageEvent<HubMessage>) => {
      if (data.id !== id) return;
      if (data.kind === "attempt") onAttempt();
      else if (data.kind === "message") onMessage(data.message);
      else {
        stop();
        const { status, kind, title, detail, retryAfterS } = data.problem;
        reject(new ApiProblem(status, kind, title, detail, retryAfterS));
      }
    };
    const end = () => {
      stop();
      post(shared, { kind: "end", id });
      resolve();
    };
    const goOnAlone = () => {
      stop();
      followFeed(request, signal, onMessage, onAttempt).then(resolve, reject);
    };
    shared.port.addEventListener("message", take);
    shared.addEventListener("error", goOnAlone);
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
    else post(shared, { kind: "open", id, request });
  });
}

function post(to: SharedWorker, message: TabMessage): void {
  to.port.postMessage(message);
}
