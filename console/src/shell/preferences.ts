// What a person has chosen for this browser: language, theme, and keys.
import { useState } from "preact/hooks";
import { setLanguage } from "../api/client.ts";
import { reachability } from "../api/reachable.ts";
import { loadTexts } from "../texts/languages.ts";

export const LANGUAGES = ["zh", "en"] as const;
export const THEMES = ["system", "light", "dark"] as const;
export type Language = (typeof LANGUAGES)[number];
export type Theme = (typeof THEMES)[number];

export interface Preferences {
  language: Language;
  theme: Theme;
  /** Whether single keys such as `/` are shortcuts. Speech input needs them off. */
  hasSingleKeys: boolean;
}

const NAME = "sightline.preferences";

/** Return what was chosen in this browser before. */
export function storedPreferences(): Preferences {
  const text = localStorage.getItem(NAME);
  const values: unknown = text === null ? {} : JSON.parse(text);
  const field = (name: string): unknown =>
    typeof values === "object" && values !== null ? Reflect.get(values, name) : undefined;
  const ofBrowser = navigator.language.startsWith("zh") ? "zh" : "en";
  return {
    language: LANGUAGES.find((one) => one === field("language")) ?? ofBrowser,
    theme: THEMES.find((one) => one === field("theme")) ?? "system",
    hasSingleKeys: field("hasSingleKeys") !== false,
  };
}

function apply(preferences: Preferences): void {
  document.documentElement.lang = preferences.language === "zh" ? "zh-CN" : "en";
  document.documentElement.dataset["theme"] = preferences.theme;
  setLanguage(document.documentElement.lang);
}

/** Return the preferences, and a function that changes some of them and keeps them. */
export function usePreferences(): [Preferences, (change: Partial<Preferences>) => void] {
  const [preferences, setPreferences] = useState(() => {
    const found = storedPreferences();
    apply(found);
    return found;
  });
  const change = async (changed: Partial<Preferences>) => {
    const next = { ...preferences, ...changed };
    try {
      await loadTexts(next.language);
    } catch {
      // The language stays, and a line says that the server does not answer.
      void reachability.missed();
      return;
    }
    localStorage.setItem(NAME, JSON.stringify(next));
    apply(next);
    setPreferences(next);
  };
  return [preferences, (changed) => void change(changed)];
}
