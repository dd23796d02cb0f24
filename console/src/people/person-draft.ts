// What an administrator enters about a person, and the bodies of requests made of it. Pure.
import type { Schemas } from "../api/client.ts";
import { CLASSES } from "../find/search.ts";

type PersonView = Schemas["PersonView"];
export type Role = PersonView["role"];
export type Right = Schemas["Right"];

export interface PersonDraft {
  role: Role;
  grants: readonly Right[];
  areas: readonly string[];
  classes: readonly (typeof CLASSES)[number][];
  /** Ids of cameras as they are typed, between commas or spaces. */
  cameras: string;
}

export const NEW_PERSON: PersonDraft = {
  role: "operator",
  grants: [],
  areas: [],
  classes: [],
  cameras: "",
};

/** All rights in the order in which the form shows them. A right that is missing does not compile. */
const RIGHT_ORDER: Readonly<Record<Right, number>> = {
  cameras_read: 0,
  test_picture: 1,
  events_read: 2,
  recordings_read: 3,
  recordings_trigger: 4,
  live_view: 5,
  unmasked_view: 6,
  events_correct: 7,
  events_push: 8,
  watches: 9,
  evidence: 10,
  exports: 11,
  approvals: 12,
  audit_read: 13,
  metrics_read: 14,
  people_admin: 15,
};
export const RIGHTS: readonly Right[] = (Object.keys(RIGHT_ORDER) as Right[]).sort(
  (one, other) => RIGHT_ORDER[one] - RIGHT_ORDER[other],
);

export function draftOf({ role, grants, scope }: PersonView): PersonDraft {
  const classes = CLASSES.filter((name) => scope.classes.some((one) => one === name));
  return { role, grants, areas: scope.areas, classes, cameras: scope.cameras.join(", ") };
}

/** Return role, rights and scope for a request. A scope without any limit is every camera. */
export function bodyOf(draft: PersonDraft) {
  const cameras = draft.cameras.split(/[\s,，、]+/).filter(Boolean);
  const areas = [...draft.areas];
  const classes = [...draft.classes];
  const isLimited = areas.length + classes.length + cameras.length > 0;
  const scope = isLimited ? { areas, classes, cameras } : null;
  return { role: draft.role, grants: [...draft.grants], scope };
}

/** Return a list without a value, or with it if it was absent. */
export function toggled<Value>(values: readonly Value[], value: Value): Value[] {
  return values.includes(value) ? values.filter((one) => one !== value) : [...values, value];
}
