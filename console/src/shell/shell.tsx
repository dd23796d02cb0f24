// The frame of every page: navigation, preferences, the reason of the task, and help.
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Schemas } from "../api/client.ts";
import { useIsReachable } from "../api/reachable.ts";
import type { Texts } from "../texts/en.ts";
import { LANGUAGE_NAMES } from "../texts/languages.ts";
import { Dialog } from "./dialog.tsx";
import { LANGUAGES, type Preferences, THEMES } from "./preferences.ts";
import { addressOf, type Place, placesFor } from "./route.ts";
import { Select } from "./select.tsx";

interface ShellProps {
  texts: Texts;
  preferences: Preferences;
  onPreferences: (change: Partial<Preferences>) => void;
  place: Place | null;
  session: Schemas["SessionView"] | null;
  onSignOut: () => void;
  zone: string | null;
  reasonBar: ComponentChildren;
  children: ComponentChildren;
}

export function Shell(props: ShellProps) {
  const { texts, session } = props;
  const [hasHelp, setHelp] = useState(false);
  const isReachable = useIsReachable();
  useSingleKey("?", props.preferences.hasSingleKeys, () => setHelp(true));
  return (
    <>
      <button type="button" class="skip" onClick={focusContent}>
        {texts.shell.skip}
      </button>
      {!isReachable && (
        <p class="offline-line" role="alert">
          {texts.states.offlineLine}
        </p>
      )}
      <header class="top">
        <span class="product">{texts.product}</span>
        {session && <Navigation texts={texts} place={props.place} rights={session.rights} />}
        <PreferenceControls {...props} />
        {session && (
          <div class="row person">
            <span class="quiet">{session.name}</span>
            <button type="button" onClick={() => setHelp(true)} aria-label={texts.shell.help}>
              ?
            </button>
            <button type="button" onClick={props.onSignOut}>
              {texts.shell.signOut}
            </button>
          </div>
        )}
      </header>
      {props.reasonBar}
      {props.children}
      {props.zone && <footer class="quiet">{texts.shell.timeZone(props.zone)}</footer>}
      {hasHelp && <Help {...props} onClose={() => setHelp(false)} />}
    </>
  );
}

interface NavigationProps {
  texts: Texts;
  place: Place | null;
  rights: Schemas["SessionView"]["rights"];
}

function Navigation({ texts, place, rights }: NavigationProps) {
  return (
    <nav aria-label={texts.shell.navigation}>
      {placesFor(rights).map((name) => (
        <a
          key={name}
          href={addressOf(name)}
          {...(name === place ? { "aria-current": "page" } : {})}
        >
          {texts.places[name]}
        </a>
      ))}
    </nav>
  );
}

function PreferenceControls({ texts, preferences, onPreferences }: ShellProps) {
  return (
    <div class="row preferences">
      <Select
        label={texts.shell.language}
        value={preferences.language}
        options={LANGUAGES.map((name) => [name, LANGUAGE_NAMES[name]] as const)}
        onChange={(language) => onPreferences({ language })}
      />
      <Select
        label={texts.shell.theme}
        value={preferences.theme}
        options={THEMES.map((name) => [name, texts.shell.themes[name]] as const)}
        onChange={(theme) => onPreferences({ theme })}
      />
    </div>
  );
}

function Help(props: ShellProps & { onClose: () => void }) {
  const { help, shell } = props.texts;
  return (
    <Dialog title={help.title} closeLabel={shell.close} onClose={props.onClose}>
      <dl class="keys">
        {help.keys.map(([key, meaning]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
      <label class="row">
        <input
          type="checkbox"
          checked={props.preferences.hasSingleKeys}
          onChange={(event) => props.onPreferences({ hasSingleKeys: event.currentTarget.checked })}
        />
        {help.singleKeys}
      </label>
    </Dialog>
  );
}

/** Call `act` when a key is pressed outside of input fields and dialogs. */
export function useSingleKey(key: string, isOn: boolean, act: () => void): void {
  useEffect(() => {
    if (!isOn) return undefined;
    const listen = (event: KeyboardEvent) => {
      const isBusy =
        event.target instanceof Element &&
        event.target.closest("input:not([type=checkbox]), textarea, select, dialog") !== null;
      if (event.key !== key || isBusy || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      act();
    };
    document.addEventListener("keydown", listen);
    return () => document.removeEventListener("keydown", listen);
  });
}

/** The fragment of the address is the route, so a button leads to the content. */
function focusContent(): void {
  document.getElementById("content")?.focus();
}
