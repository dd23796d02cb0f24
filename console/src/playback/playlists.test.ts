import assert from "node:assert/strict";
import { test } from "node:test";
import { PLAYLIST_MS, Playlists, type PlaylistView } from "./playlists.ts";

const NEVER = new AbortController().signal;

/** Answer playlists with a segment for each 10 s, and note the ranges that were requested. */
function recordedSite() {
  const asked: number[] = [];
  const read = async (from: string, to: string): Promise<PlaylistView> => {
    asked.push(Date.parse(from));
    const segments = [];
    for (let ms = Date.parse(from) - 5000; ms < Date.parse(to); ms += 10_000) {
      segments.push({
        from: new Date(ms).toISOString(),
        to: new Date(ms + 10_000).toISOString(),
        at_s: 0,
        codec: "h264",
        mime: "video/mp4",
        head: "/head",
        media: "/media",
        size_bytes: 1,
      });
    }
    return { camera: "gate", from, to, zero: from, hls: "", segments, gaps: [], offline: [] };
  };
  return { asked, playlists: new Playlists(read) };
}

test("listings are read one by one, and once", async () => {
  const { asked, playlists } = recordedSite();
  const [fromMs, toMs, nowMs] = [PLAYLIST_MS - 20_000, PLAYLIST_MS + 20_000, 9 * PLAYLIST_MS];
  assert.equal(playlists.within(fromMs, toMs), null);
  assert.equal(await playlists.readMissing(fromMs, toMs, nowMs, NEVER), true);
  assert.equal(playlists.within(fromMs, toMs), null, "a part is not known yet");
  assert.equal(await playlists.readMissing(fromMs, toMs, nowMs, NEVER), true);
  assert.equal(await playlists.readMissing(fromMs, toMs, nowMs, NEVER), false);
  assert.deepEqual(asked, [0, PLAYLIST_MS]);
  const found = playlists.within(fromMs, toMs) ?? [];
  assert.deepEqual(
    found.map((segment) => segment.fromMs - PLAYLIST_MS),
    [-25_000, -15_000, -5000, 5000, 15_000],
    "the segment that two listings have is there once",
  );
});

test("a listing that ends now is read again, and nothing after now is requested", async () => {
  const { asked, playlists } = recordedSite();
  assert.equal(await playlists.readMissing(0, 3 * PLAYLIST_MS, 60_000, NEVER), true);
  assert.equal(await playlists.readMissing(0, 3 * PLAYLIST_MS, 61_000, NEVER), false);
  assert.equal(await playlists.readMissing(0, 3 * PLAYLIST_MS, 65_000, NEVER), true);
  assert.deepEqual(asked, [0, 0]);
});

test("a listing whose addresses have expired is read again", async () => {
  const { asked, playlists } = recordedSite();
  const nowMs = 9 * PLAYLIST_MS;
  await playlists.readMissing(0, 1000, nowMs, NEVER);
  playlists.forget(0, 1000);
  assert.equal(playlists.within(0, 1000), null);
  assert.equal(await playlists.readMissing(0, 1000, nowMs, NEVER), true);
  assert.equal(asked.length, 2);
});
