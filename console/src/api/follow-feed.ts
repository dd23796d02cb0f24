// Follows a feed of server-sent events until it is ended, and connects again after a break.
import { send } from "./client.ts";
import { ApiProblem, isAborted, Offline, problemOf } from "./problem.ts";
import { MessageReader, type ServerMessage } from "./sse.ts";

const WAIT_MS = 3000;

/**
 * Pass each message of a feed on. Ends with `signal`, or when the API refuses the request.
 *
 * `onAttempt` is called when the feed is open, and also when an attempt has failed.
 *
 * `EventSource` cannot send a token or a reason, so the stream is read by `fetch`.
 */
export async function followFeed(
  path: string,
  query: Readonly<Record<string, string>>,
  signal: AbortSignal,
  onMessage: (message: ServerMessage) => void,
  onAttempt: () => void,
): Promise<void> {
  let after = "";
  while (!signal.aborted) {
    try {
      const parameters = new URLSearchParams(after ? { ...query, after } : query);
      const response = await open(`${path}?${parameters}`, signal);
      onAttempt();
      await read(response, (message) => {
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
}

async function open(address: string, signal: AbortSignal): Promise<ReadableStream<BufferSource>> {
  const response = await send(new Request(address, { signal, cache: "no-store" }));
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
    const timer = window.setTimeout(resolve, WAIT_MS);
    signal.addEventListener("abort", () => {
      window.clearTimeout(timer);
      resolve();
    });
  });
}
