// Which cameras a typed text may mean. Pure.

const BETWEEN_WORDS = /[\s\-_/.,，、]+/;

interface Named {
  id: string;
  name: string;
  area_name?: string;
}

/**
 * Return the cameras of which a text has all words, in any order and without regard to case.
 *
 * A word may be a part of the name or the id, so `gate east` finds `east-gate`. The name of the
 * area counts only if `withArea` is set.
 */
export function matchingCameras<Camera extends Named>(
  cameras: readonly Camera[],
  text: string,
  withArea = false,
): Camera[] {
  const words = text.toLowerCase().split(BETWEEN_WORDS).filter(Boolean);
  return cameras.filter(({ id, name, area_name: area = "" }) => {
    const known = [name, id, withArea ? area : ""].join(" ").toLowerCase();
    return words.every((word) => known.includes(word));
  });
}
