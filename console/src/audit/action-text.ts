// What a line of the audit log says, in the words of the person. Pure.
import { COLORS, DIRECTIONS, KINDS } from "../find/search.ts";
import type { Texts } from "../texts/en.ts";
import { type Outcome, outcomeOf } from "./audit-query.ts";
import type { Action, FoldableLine } from "./fold.ts";

/** Terms of the program and not of the person: they are shown only in an opened entry. */
const TECHNICAL = [
  ...["limit", "next", "order", "bucket", "bucket_s", "buckets", "every", "requests", "until"],
];
const CAMERA_TERMS = ["camera", "cameras"];
const LIST_SEPARATOR = ", ";

/** What a text needs to know: the texts, the names of cameras, and the time of the site. */
export interface Wording {
  texts: Texts;
  cameraName: (id: string) => string;
  inSiteTime: (sentence: string) => string;
}

/** Return what was done; a call that this version does not know is named by its term. */
export function callText(term: string, texts: Texts): string {
  return Reflect.get(texts.auditCalls, term) ?? term;
}

/** Return the terms of a line with their names in words. */
export function termsInWords(
  line: Pick<FoldableLine, "route" | "terms">,
  wording: Wording,
): [name: string, value: string][] {
  return Object.entries(line.terms).map(([name, value]) => {
    const isCamera = CAMERA_TERMS.includes(name) || isCameraId(line.route, name);
    const { terms } = wording.texts.audit;
    const shown = isCamera ? "camera" : name;
    return [
      Reflect.get(terms, shown) ?? name,
      isCamera ? camerasText(value, wording) : valueText(name, value, wording),
    ];
  });
}

/** Return a request as two texts: what is to be done, and all its terms. */
export function requestInWords(
  request: { call: string; terms: Readonly<Record<string, string>> },
  wording: Wording,
): [call: string, terms: string] {
  const { call: route, terms } = request;
  const texts = termsInWords({ route, terms }, wording);
  const { colon, list } = wording.texts;
  return [
    callText(route, wording.texts),
    texts.map(([name, value]) => `${name}${colon}${value}`).join(list),
  ];
}

/** Return what a call was about in one line, without what only programs need. */
export function subjectText(line: Pick<FoldableLine, "route" | "terms">, wording: Wording): string {
  // A choice that was not made is `false`, and needs no words; one that was made needs its name.
  const kept = Object.entries(line.terms)
    .filter(([name, value]) => !TECHNICAL.includes(name) && value !== "false")
    .map(([name, value]) => [name, value === "true" ? "" : value] as const);
  const { from, to, ...rest } = Object.fromEntries(kept);
  const texts = termsInWords({ route: line.route, terms: rest }, wording).map(([name, value]) =>
    value === "" ? name : `${name}${wording.texts.colon}${value}`,
  );
  if (from !== undefined || to !== undefined) {
    const ends = [from, to].map((end) => (end === undefined ? "" : wording.inSiteTime(end)));
    texts.push(ends.join(" – ").trim());
  }
  return texts.join(wording.texts.list);
}

/** Return how the calls of an action ended; with their numbers if they ended differently. */
export function outcomesOf(lines: readonly FoldableLine[]): Map<Outcome, number> {
  const ofCall = new Map<string, Outcome>();
  for (const line of lines) {
    const call = line.request === "" ? line.id : line.request;
    const known = ofCall.get(call);
    // The outcome of a change has the same request as its intent.
    if (known === undefined || known === "intended") ofCall.set(call, outcomeOf(line));
  }
  const counts = new Map<Outcome, number>();
  for (const outcome of ofCall.values()) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  return counts;
}

/** Return how often a person did something, and how often it was tried again; empty for once. */
export function countText({ times, tries }: Action<FoldableLine>, texts: Texts): string {
  const { audit } = texts;
  const counts = [times > 1 ? audit.times(times) : "", tries > 0 ? audit.tries(tries) : ""];
  return counts.filter(Boolean).join(texts.list);
}

export function outcomeText(action: Action<FoldableLine>, texts: Texts): string {
  const counts = [...outcomesOf(action.lines)];
  const { outcomes, ofMany } = texts.audit;
  const [only] = counts;
  if (counts.length === 1 && only !== undefined) return outcomes[only[0]];
  return counts.map(([outcome, count]) => ofMany(count, outcomes[outcome])).join(texts.list);
}

function isCameraId(route: string, name: string): boolean {
  return name === "id" && route.startsWith("camera.");
}

function camerasText(value: string, { cameraName, texts }: Wording): string {
  return value.split(LIST_SEPARATOR).map(cameraName).join(texts.list);
}

function valueText(name: string, value: string, { texts, inSiteTime }: Wording): string {
  const { find, people } = texts;
  const known = (words: object) => Reflect.get(words, value) ?? value;
  if (name === "color" && COLORS.some((one) => one === value)) return known(find.colors);
  if (name === "direction" && DIRECTIONS.some((one) => one === value)) {
    return known(find.directions);
  }
  if (name === "kind" && KINDS.some((one) => one === value)) return known(find.kinds);
  if (name === "class") return known(find.classes);
  if (name === "role") return known(people.roles);
  if (name === "call") return callText(value, texts);
  if (value === "true" || value === "false") return texts.audit.flags[value];
  return inSiteTime(value);
}
