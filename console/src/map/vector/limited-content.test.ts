import assert from "node:assert/strict";
import { test } from "node:test";
import { limitedContent } from "./limited-content.ts";

/** Return an answer of chunks, as a browser has it that cannot iterate over a body. */
function answer(chunks: readonly string[], onCancel = () => undefined): Response {
  const waiting = chunks.map((chunk) => new TextEncoder().encode(chunk));
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      const chunk = waiting.shift();
      if (chunk === undefined) controller.close();
      else controller.enqueue(chunk);
    },
    cancel: onCancel,
  });
  Object.defineProperty(body, Symbol.asyncIterator, { value: undefined });
  return { body } as Response;
}

test("the chunks of an answer are joined, without iteration over its body", async () => {
  const content = await limitedContent(answer(["city", "", " map"]), 8);
  assert.equal(new TextDecoder().decode(content), "city map");
  assert.equal((await limitedContent(new Response(null), 8)).byteLength, 0);
});

test("an answer that is too large is ended", async () => {
  let isEnded = false;
  const large = answer(["city", " map", "s", "never read"], () => {
    isEnded = true;
  });
  await assert.rejects(limitedContent(large, 8), RangeError);
  assert.ok(isEnded);
});
