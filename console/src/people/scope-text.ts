// Which cameras a person may see, in words. Pure.
import type { Texts } from "../texts/en.ts";

export interface Scope {
  areas: readonly string[];
  classes: readonly string[];
  cameras: readonly string[];
}

/** Return the scope with the names of its areas; a person without limits may see everything. */
export function scopeText(scope: Scope, names: ReadonlyMap<string, string>, texts: Texts): string {
  const areas = scope.areas.map((id) => names.get(id) ?? id).join(texts.list);
  const classes = scope.classes.join(texts.list);
  const parts = [
    areas && texts.people.inAreas(areas),
    classes && texts.people.ofClasses(classes),
    scope.cameras.length > 0 && texts.people.ofCameras(scope.cameras.join(texts.list)),
  ].filter(Boolean);
  return parts.length === 0 ? texts.people.everything : parts.join(texts.list);
}
