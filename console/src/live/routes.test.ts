import assert from "node:assert/strict";
import { test } from "node:test";
import { delayS, fallbackFor, hasH264, RouteMemory, refusesSound } from "./routes.ts";

test("a failure of the network is remembered for all cameras, and forgotten", () => {
  const memory = new RouteMemory();
  assert.equal(memory.causeFor("gate", 0), null);
  memory.note("gate", "network", 1000);
  assert.equal(memory.causeFor("school/sub", 2000), "network");
  assert.equal(memory.causeFor("school/sub", 601_000), null);
});

test("a codec is remembered for the stream that has it", () => {
  const memory = new RouteMemory();
  memory.note("gate", "camera", 1000);
  assert.equal(memory.causeFor("gate", 2000), "camera");
  assert.equal(memory.causeFor("gate/sub", 2000), null);
});

test("a codec of sound concerns only views with sound, so it is not remembered", () => {
  const memory = new RouteMemory();
  memory.note("gate", "sound", 1000);
  assert.equal(memory.causeFor("gate", 2000), null);
});

test("an answer that refuses sound is recognised", () => {
  assert.equal(refusesSound("v=0\r\nm=audio 0 UDP/TLS/RTP/SAVPF 8\r\n"), true);
  assert.equal(refusesSound("v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 8\r\n"), false);
});

test("only what concerns WebRTC leads to the other way", () => {
  const kinds = ["codec_unsupported", "bad_input", "unavailable", "forbidden", "rate_limited"];
  assert.deepEqual(kinds.map(fallbackFor), ["camera", "browser", "site", null, null]);
});

test("an offer without H.264 is recognised", () => {
  const h264 = "a=rtpmap:102 H264/90000\r\na=fmtp:102 packetization-mode=1;profile-level-id=42e01f";
  assert.equal(hasH264(h264), true);
  assert.equal(hasH264("a=rtpmap:96 VP8/90000\r\na=fmtp:96 packetization-mode=1"), false);
  assert.equal(hasH264(h264.replace("mode=1", "mode=0")), false);
});

test("the delay follows from the RTP timestamp, also after its wrap", () => {
  const nowMs = 1_760_000_000_123;
  const stamp = (ageMs: number) => ((nowMs - ageMs) * 90) % 2 ** 32;
  assert.equal(delayS(stamp(250), nowMs), 0.25);
  assert.equal(delayS(stamp(-40), nowMs), -0.04);
  const wrapMs = Math.ceil((Math.floor((nowMs * 90) / 2 ** 32) * 2 ** 32) / 90) + 10;
  assert.ok(Math.abs(delayS(((wrapMs - 20) * 90) % 2 ** 32, wrapMs) - 0.02) < 1e-9);
});
