// Follows a feed of server-sent events until it is ended, and connects again after a break.
import { fetched } from "../api/fetched.ts";
import { ApiProblem, isAborted, Offline, problemOf } from "../api/problem.ts";
import { MessageReader, type ServerMessage } from "./sse.ts";

export interface FeedRequest {
  path: string;
  query: Readonly<Record<string, string>>;
  headers: Readonly<Record<string, string>>;
  /** The session or token of the request: only requests of the same one share a connection. */
  owner: string;
}

export type Follow = (
  request: FeedRequest,
  signal: AbortSignal,
  onMessage: (message: ServerMessage) => void,
  onAttempt: () => void,
) => Promise<void>;

const WAIT_MS = 3000;

/**
 * Pass each message of a feed on. Ends with `signal`, or when the API refuses the request.
 *
 * `onAttempt` is called when the feed is open, and also when an attempt has failed.
 *
 * `EventSource` cannot send a token or a reason, so the stream is read by `fetch`.
 */
export const followFeed: Follow = async (request, signal, onMessage, onAttempt) => {
  let after = "";
  while (!signal.aborted) {
    try {
      const body = await open(request, after, signal);
      onAttempt();
      await read(body, (message) => {
        after = message.id || after;
        onMessage(message);
      });
    } catch (error) {
      if (isAborted(error) || signal.aborted) return;
      const mayRecover =
        error instanceof Offline || error instanceof TypeError || isTemporary(error);
      if (!mayRecover) throw error;
      onAttempt();
    }
    await pause(signal);
  }
};

async function open(
  { path, query, headers }: FeedRequest,
  after: string,
  signal: AbortSignal,
): Promise<ReadableStream<BufferSource>> {
  const parameters = new URLSearchParams(after ? { ...query, after } : query);
  const address = new URL(`${path}?${parameters}`, location.origin);
  const response = await fetched(new Request(address, { headers, signal, cache: "no-store" }));
  if (response.ok && response.body !== null) return response.body;
  throw problemOf(response, await response.json().catch(() => null));
}

async function read(
  body: ReadableStream<BufferSource>,
  onMessage: (message: ServerMessage) => void,
): Promise<void> {
  const messages = new MessageReader();
  const pieces = body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { value, done } = await pieces.read();
    if (done) return;
    for (const message of messages.take(value)) onMessage(message);
  }
}

function isTemporary(error: unknown): boolean {
  return error instanceof ApiProblem && [429, 503].includes(error.status);
}

function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, WAIT_MS);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
