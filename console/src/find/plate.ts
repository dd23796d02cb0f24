// Plates as people type and read them: provinces by their pinyin, wildcards, and the usual form.

/** The characters with which the plates of a province begin, with their pinyin. */
export const PROVINCES: readonly (readonly [character: string, pinyin: string])[] = [
  ["鄂", "e"],
  ["京", "jing"],
  ["津", "jin"],
  ["冀", "ji"],
  ["晋", "jin"],
  ["蒙", "meng"],
  ["辽", "liao"],
  ["吉", "ji"],
  ["黑", "hei"],
  ["沪", "hu"],
  ["苏", "su"],
  ["浙", "zhe"],
  ["皖", "wan"],
  ["闽", "min"],
  ["赣", "gan"],
  ["鲁", "lu"],
  ["豫", "yu"],
  ["湘", "xiang"],
  ["粤", "yue"],
  ["桂", "gui"],
  ["琼", "qiong"],
  ["渝", "yu"],
  ["川", "chuan"],
  ["贵", "gui"],
  ["云", "yun"],
  ["藏", "zang"],
  ["陕", "shan"],
  ["甘", "gan"],
  ["青", "qing"],
  ["宁", "ning"],
  ["新", "xin"],
];

const INITIAL_FIRST = /^([A-Za-z])([A-Za-z][A-Za-z0-9?*]*)$/;
const WILDCARD = /[?*？＊]/;

/** Return whether a search by this text finds more than one plate. */
export function hasWildcard(plate: string): boolean {
  return WILDCARD.test(plate);
}

/**
 * Return the plates that a text may mean whose first letter is the initial of a province.
 *
 * `EC12345` may mean 鄂C12345. A text with a province, or without a second letter, gives none.
 */
export function suggestedPlates(text: string): string[] {
  const match = INITIAL_FIRST.exec(text.trim());
  if (match === null) return [];
  const [, initial = "", rest = ""] = match;
  return PROVINCES.filter(([, pinyin]) => pinyin[0] === initial.toLowerCase()).map(
    ([character]) => character + rest.toUpperCase(),
  );
}

/** Return a text with another province: it replaces the first character if that is a province. */
export function withProvince(text: string, province: string): string {
  const first = text.slice(0, 1);
  const isProvince = PROVINCES.some(([character]) => character === first);
  return province + (isProvince ? text.slice(1) : text);
}

/** Return a plate as it is written on the vehicle, with a dot after the second character. */
export function dotted(plate: string): string {
  return plate.length > 2 ? `${plate.slice(0, 2)}·${plate.slice(2)}` : plate;
}

const LEAST_KNOWN = 3;
const IN_A_WHOLE_PLATE = 7;
const IS_PLATE_TEXT = /^[\p{Script=Han}A-Za-z0-9?*？＊·]+$/u;

/** Return whether plates that were seen may help to complete a text; a whole plate needs none. */
export function isWorthSuggesting(typed: string): boolean {
  const text = typed.trim();
  const known = text.replace(/[?*？＊·]/g, "").length;
  const startsWithProvince = PROVINCES.some(([character]) => text.startsWith(character));
  return (
    startsWithProvince &&
    IS_PLATE_TEXT.test(text) &&
    known >= LEAST_KNOWN &&
    known < IN_A_WHOLE_PLATE
  );
}
