// The boxes that belong to the shown picture, by the times of the pictures that were analysed.

export interface Detection {
  kind: "vehicle" | "face";
  /** The same number in all pictures of one vehicle or person. */
  track: number;
  /** Left, top, right, bottom as parts of the picture. */
  box: readonly [number, number, number, number];
  /** What was read; empty for a face. */
  plate: string;
}

/** Fewer pictures are analysed than shown, so a box stays until the next one, and at most so long. */
const SHOWN_FOR_S = 0.6;
/** A picture and its box have the same time, up to rounding. */
const SLACK_S = 0.02;
const MAX_KEPT = 24;

interface Seen {
  atS: number;
  detection: Detection;
}

export class DetectionTracks {
  /** The newest boxes of each vehicle or person, the latest one last. */
  private readonly tracks = new Map<string, Seen[]>();

  /** Keep what a picture shows; it may arrive before or after its picture is shown. */
  put(atS: number, items: readonly Detection[]): void {
    for (const detection of items) {
      const key = `${detection.kind} ${detection.track}`;
      const known = this.tracks.get(key) ?? [];
      this.tracks.set(key, [...known, { atS, detection }].slice(-MAX_KEPT));
    }
  }

  /** Return the boxes for the picture of this time, and forget those before it. */
  at(shownS: number): readonly Detection[] {
    const found: Detection[] = [];
    for (const [key, known] of this.tracks) {
      const left = known.filter(({ atS }) => shownS - atS <= SHOWN_FOR_S);
      if (left.length === 0) this.tracks.delete(key);
      else this.tracks.set(key, left);
      const seen = left.findLast(({ atS }) => atS <= shownS + SLACK_S);
      if (seen !== undefined) found.push(seen.detection);
    }
    return found;
  }
}
