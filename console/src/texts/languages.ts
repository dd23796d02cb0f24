// The languages of the console. A page loads the texts of the one that it shows.
import type { Language } from "../shell/preferences.ts";
import type { Texts } from "./en.ts";

/** Each language by its own name. */
export const LANGUAGE_NAMES: Readonly<Record<Language, string>> = { zh: "中文", en: "English" };

const LOADERS: Readonly<Record<Language, () => Promise<Texts>>> = {
  zh: async () => (await import("./zh.ts")).zh,
  en: async () => (await import("./en.ts")).en,
};
const loaded = new Map<Language, Texts>();

/** Load the texts of a language. Rejects if the server does not answer. */
export async function loadTexts(language: Language): Promise<void> {
  if (!loaded.has(language)) loaded.set(language, await LOADERS[language]());
}

/** Return the texts of a language that is loaded. */
export function textsOf(language: Language): Texts {
  const texts = loaded.get(language);
  if (texts === undefined) throw new Error(`the texts of ${language} are not loaded`);
  return texts;
}
