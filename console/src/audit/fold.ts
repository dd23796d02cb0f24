// Lines of the audit log that belong to one action of a person are shown as one. Pure.
//
// A search reads matches, their distribution and plates that were seen lately; a card reads two
// pictures; a tile that has no video tries again. The log and its export have each of these lines.

/** What a line of the API has of these. */
export interface FoldableLine {
  id: string;
  at: string;
  person: string;
  address: string;
  route: string;
  terms: Readonly<Record<string, string>>;
  reason: string;
  case: string;
  status: number | null;
  request: string;
}

export interface Action<Line extends FoldableLine> {
  /** The line that stands for all: the newest one of those that say what was done. */
  line: Line;
  /** All lines, the newest first. */
  lines: readonly Line[];
  /** How often the person did it, whatever calls the console made for that. */
  times: number;
  /** How often a view that had failed was tried again. */
  tries: number;
}

/** Calls that are one action. */
interface Family {
  /** The name of the call that stands for all is the first. */
  calls: readonly string[];
  /** The terms that are the same in all of them. */
  same: readonly string[];
  /** The longest time between two of them. */
  gapMs: number;
  /** Those of which each is once more; without any, all are once. */
  counted?: readonly string[];
  /** Those that the console repeats by itself after a failure. */
  repeated?: readonly string[];
}

const FAMILIES: readonly Family[] = [
  {
    calls: ["events.search", "events.histogram"],
    counted: ["events.search"],
    same: [
      ...["plate", "camera", "area", "class", "kind", "from", "to", "color", "near", "within"],
      ...["direction", "lane", "min_confidence", "format"],
    ],
    gapMs: 60_000,
  },
  { calls: ["plates.list"], same: [], gapMs: 60_000 },
  { calls: ["event.snapshot", "event.crop"], same: [], gapMs: 60_000 },
  {
    calls: [
      "camera.live",
      "camera.whep",
      "camera.live_ticket",
      "camera.whep_change",
      "camera.whep_end",
    ],
    counted: ["camera.live", "camera.whep"],
    repeated: ["camera.live", "camera.whep", "camera.live_ticket"],
    same: ["id"],
    gapMs: 600_000,
  },
  {
    calls: ["camera.playlist", "camera.segment", "camera.keyframes"],
    same: ["id"],
    gapMs: 600_000,
  },
  {
    calls: ["camera.picture", "camera.test_picture"],
    counted: ["camera.picture", "camera.test_picture"],
    same: ["id"],
    gapMs: 600_000,
  },
  { calls: ["watches.feed", "watches.feed_ticket"], same: [], gapMs: 600_000 },
  {
    calls: ["events.feed", "events.feed_ticket"],
    same: ["plate", "camera", "area"],
    gapMs: 600_000,
  },
];

const OF_CALL = new Map(FAMILIES.flatMap((family) => family.calls.map((call) => [call, family])));
/** Plates that were suggested while a plate was typed belong to the search that follows. */
const SUGGESTED_BEFORE_MS = 120_000;

interface Open<Line extends FoldableLine> {
  lines: Line[];
  oldestMs: number;
}

/** Return the actions of lines that are sorted newest first, in the order of their newest lines. */
export function folded<Line extends FoldableLine>(lines: readonly Line[]): Action<Line>[] {
  const groups: Open<Line>[] = [];
  const byKey = new Map<string, Open<Line>>();
  const byRequest = new Map<string, Open<Line>>();
  for (const line of lines) {
    const atMs = Date.parse(line.at);
    const group =
      byRequest.get(requestOf(line)) ?? near(byKey, line, atMs) ?? added(groups, line, atMs);
    if (!group.lines.includes(line)) group.lines.push(line);
    group.oldestMs = Math.min(group.oldestMs, atMs);
    byKey.set(keyOf(line), group);
    if (line.request !== "") byRequest.set(requestOf(line), group);
  }
  return groups.map(actionOf);
}

function added<Line extends FoldableLine>(groups: Open<Line>[], line: Line, atMs: number) {
  const group: Open<Line> = { lines: [line], oldestMs: atMs };
  groups.push(group);
  return group;
}

/** Return the group of a similar line that is not much newer. */
function near<Line extends FoldableLine>(
  byKey: ReadonlyMap<string, Open<Line>>,
  line: Line,
  atMs: number,
): Open<Line> | undefined {
  const family = OF_CALL.get(line.route);
  if (family === undefined) return undefined;
  const group = byKey.get(keyOf(line));
  if (group !== undefined && group.oldestMs - atMs <= family.gapMs) return group;
  if (line.route !== "plates.list") return undefined;
  return [...byKey.values()].find(
    (one) =>
      one.oldestMs - atMs <= SUGGESTED_BEFORE_MS &&
      one.lines.some((newer) => newer.route === "events.search" && isSame(newer, line)),
  );
}

/** Return whether two lines are of one person at one place for one reason. */
function isSame(one: FoldableLine, other: FoldableLine): boolean {
  return personOf(one) === personOf(other);
}

function personOf(line: FoldableLine): string {
  return JSON.stringify([line.person, line.address, line.reason, line.case]);
}

/** Refused calls are not of one action with others, because an auditor looks for them. */
function keyOf(line: FoldableLine): string {
  const family = OF_CALL.get(line.route);
  if (family === undefined) return line.id;
  const isRefused = line.status !== null && line.status >= 400 && line.status < 500;
  const terms = family.same.map((name) => line.terms[name] ?? "");
  return JSON.stringify([personOf(line), family.calls[0], isRefused && line.status, terms]);
}

/** Lines of one request have its id; an empty one is of no request. */
function requestOf(line: FoldableLine): string {
  return line.request === "" ? `line ${line.id}` : line.request;
}

function actionOf<Line extends FoldableLine>({ lines }: Open<Line>): Action<Line> {
  const line = lines.reduce((best, one) => (rank(one) < rank(best) ? one : best));
  return { line, lines, ...countsOf(line, lines) };
}

/** Return how often a person did something, and how often the console tried it again. */
function countsOf(
  line: FoldableLine,
  lines: readonly FoldableLine[],
): Pick<Action<FoldableLine>, "times" | "tries"> {
  const family = OF_CALL.get(line.route);
  const { counted = [], repeated = [] } = family ?? {};
  const hasFailed = ({ status }: FoldableLine) => status !== null && status >= 400;
  const failed = countOf(lines.filter((one) => repeated.includes(one.route) && hasFailed(one)));
  const done = countOf(
    lines.filter(
      (one) =>
        counted.includes(one.route) &&
        !(repeated.includes(one.route) && hasFailed(one)) &&
        // A further page of results is no further search.
        one.terms.next === undefined,
    ),
  );
  // What never succeeded was done once, and each further failure is a try.
  return { times: Math.max(1, done), tries: Math.max(0, done > 0 ? failed : failed - 1) };
}

function countOf(lines: readonly FoldableLine[]): number {
  return new Set(lines.map(requestOf)).size;
}

/** Return how well a line stands for its action: the first call of a family does best. */
function rank(line: FoldableLine): number {
  const place = OF_CALL.get(line.route)?.calls.indexOf(line.route) ?? 0;
  const isSuggestion = line.route === "plates.list" ? 100 : 0;
  return isSuggestion + 2 * place + (line.status === null ? 1 : 0);
}
