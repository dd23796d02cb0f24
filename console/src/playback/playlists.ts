// The segments of one camera, which the API lists by playlists of a few minutes each.
import type { Schemas } from "../api/client.ts";

export type PlaylistView = Schemas["PlaylistView"];

export interface Segment {
  fromMs: number;
  toMs: number;
  /** The instant that is the time 0 of its media. */
  zeroMs: number;
  /** Segments with the same need no further head between them. */
  head: string;
  mime: string;
  headAddress: string;
  mediaAddress: string;
}

/** A listing of 20 minutes has about 120 segments with their tickets, which are 150 kB. */
export const PLAYLIST_MS = 20 * 60_000;
/** The newest segment grows, so a listing that ends now is read again after this time. */
const RENEWED_AFTER_MS = 4000;

interface Listing {
  segments: readonly Segment[];
  /** When it is read again, because it ended at the present; null if it is complete. */
  renewAtMs: number | null;
}

export type ReadPlaylist = (from: string, to: string, signal: AbortSignal) => Promise<PlaylistView>;

export class Playlists {
  private readonly listings = new Map<number, Listing>();
  private readonly read: ReadPlaylist;

  constructor(read: ReadPlaylist) {
    this.read = read;
  }

  /** Return the segments that overlap a range, by start; null where a listing is not read yet. */
  within(fromMs: number, toMs: number): Segment[] | null {
    const found = new Map<number, Segment>();
    for (const startMs of startsWithin(fromMs, toMs)) {
      const listing = this.listings.get(startMs);
      if (listing === undefined) return null;
      for (const segment of listing.segments) {
        if (segment.fromMs < toMs && fromMs < segment.toMs) found.set(segment.fromMs, segment);
      }
    }
    return [...found.values()].sort((one, other) => one.fromMs - other.fromMs);
  }

  /** Read the first listing of a range that is missing or too old. Return whether there was one. */
  async readMissing(
    fromMs: number,
    toMs: number,
    nowMs: number,
    signal: AbortSignal,
  ): Promise<boolean> {
    for (const startMs of startsWithin(fromMs, Math.min(toMs, nowMs))) {
      const { renewAtMs } = this.listings.get(startMs) ?? { renewAtMs: 0 };
      if (renewAtMs === null || renewAtMs > nowMs) continue;
      const endMs = startMs + PLAYLIST_MS;
      const view = await this.read(
        new Date(startMs).toISOString(),
        new Date(endMs).toISOString(),
        signal,
      );
      this.listings.set(startMs, {
        segments: segmentsOf(view),
        renewAtMs: endMs > nowMs ? nowMs + RENEWED_AFTER_MS : null,
      });
      return true;
    }
    return false;
  }

  /** Forget the listings of a range, because their addresses are no longer valid. */
  forget(fromMs: number, toMs: number): void {
    for (const startMs of startsWithin(fromMs, toMs)) this.listings.delete(startMs);
  }
}

function segmentsOf(view: PlaylistView): Segment[] {
  const zeroMs = Date.parse(view.zero);
  return view.segments.map((part) => ({
    fromMs: Date.parse(part.from),
    toMs: Date.parse(part.to),
    zeroMs,
    head: part.codec,
    mime: part.mime,
    headAddress: part.head,
    mediaAddress: part.media,
  }));
}

function startsWithin(fromMs: number, toMs: number): number[] {
  const starts: number[] = [];
  const firstMs = Math.floor(fromMs / PLAYLIST_MS) * PLAYLIST_MS;
  for (let startMs = firstMs; startMs < toMs; startMs += PLAYLIST_MS) starts.push(startMs);
  return starts;
}
