import assert from "node:assert/strict";
import { test } from "node:test";
import { MessageReader } from "./sse.ts";

test("messages are complete at an empty line, however the stream is cut", () => {
  const text = 'id: 7\nevent: event\ndata: {"a": "b:c"}\n\n: heartbeat\nid: 8\n\nevent: sta';
  for (let cut = 0; cut < text.length; cut += 1) {
    const reader = new MessageReader();
    const messages = [...reader.take(text.slice(0, cut)), ...reader.take(text.slice(cut))];
    assert.deepEqual(messages, [
      { event: "event", data: '{"a": "b:c"}', id: "7" },
      { event: "", data: "", id: "8" },
    ]);
  }
});
