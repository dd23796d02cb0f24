// The results over time as rows: a row for each camera, a mark for each passing. Pure.

interface Result {
  event: { id: string; camera: string; started_at: string };
}
export interface Mark {
  /** The number of the result in the list. */
  index: number;
  id: string;
  atMs: number;
  /** The place on the axis as a part of its width, 0 to 1. */
  part: number;
}
export interface PassingRow {
  /** Empty for the row of all other cameras. */
  camera: string;
  marks: Mark[];
}
export interface PassingRows {
  fromMs: number;
  toMs: number;
  rows: PassingRow[];
  /** How many results have no mark, because there are too many. */
  left: number;
}

export const MOST_ROWS = 12;
export const MOST_MARKS = 600;

/** Return the rows of the first results: the cameras with the most passings first. */
export function rowsOf(found: readonly Result[]): PassingRows {
  const shown = found.slice(0, MOST_MARKS);
  const times = shown.map(({ event }) => Date.parse(event.started_at));
  const fromMs = Math.min(...times);
  const toMs = Math.max(...times);
  const spanMs = Math.max(1, toMs - fromMs);
  const marks = shown.map(({ event }, index): [string, Mark] => {
    const atMs = times[index] ?? fromMs;
    return [event.camera, { index, id: event.id, atMs, part: (atMs - fromMs) / spanMs }];
  });
  const counts = new Map<string, number>();
  for (const [camera] of marks) counts.set(camera, (counts.get(camera) ?? 0) + 1);
  const cameras = [...counts].sort(([, one], [, other]) => other - one).map(([camera]) => camera);
  const isWhole = cameras.length <= MOST_ROWS;
  const own = new Set(isWhole ? cameras : cameras.slice(0, MOST_ROWS - 1));
  const rows = [...own].map((camera) => ({
    camera,
    marks: marks.filter(([of]) => of === camera).map(([, mark]) => mark),
  }));
  const others = marks.filter(([camera]) => !own.has(camera)).map(([, mark]) => mark);
  if (others.length > 0) rows.push({ camera: "", marks: others });
  return { fromMs, toMs, rows, left: found.length - shown.length };
}
