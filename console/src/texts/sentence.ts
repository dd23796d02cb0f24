// Details of the API, which begin with a small letter and have no full stop, as sentences. Pure.

const FIRST_WORD = /^[a-z]+(?=[ ,])/;
const CHINESE_END = /[\u4e00-\u9fff）]$/;
const ENDED = /[.!?。！？]$/;

/** Return a detail as a sentence. An id at its beginning, such as `east-gate`, stays as it is. */
export function asSentence(detail: string): string {
  const text = detail.trim();
  if (text === "") return "";
  const begun = FIRST_WORD.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
  if (ENDED.test(begun)) return begun;
  return begun + (CHINESE_END.test(begun) ? "。" : ".");
}
