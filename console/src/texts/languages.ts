// The languages of the console by their names.
import type { Language } from "../shell/preferences.ts";
import { causesInChinese, causesInEnglish } from "./causes.ts";
import { en, type Texts } from "./en.ts";
import { zh } from "./zh.ts";

export const LANGUAGES_BY_NAME: Readonly<Record<Language, Texts>> = { zh, en };
export const CAUSES_BY_NAME = { zh: causesInChinese, en: causesInEnglish } as const;
