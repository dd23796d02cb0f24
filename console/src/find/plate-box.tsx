// The box for a plate, with a pad for the province and plates that an initial may mean.
import type { ComponentChildren, RefObject } from "preact";
import { useState } from "preact/hooks";
import { useConsole } from "../shell/console-context.ts";
import { dotted, hasWildcard, PROVINCES, suggestedPlates, withProvince } from "./plate.ts";
import { useSeenPlates } from "./use-seen-plates.ts";

interface PlateBoxProps {
  input: RefObject<HTMLInputElement | null>;
  plate: string;
  fuzzy: boolean;
  onPlate: (plate: string) => void;
  onFuzzy: (fuzzy: boolean) => void;
  /** The buttons that send and clear the search. */
  children: ComponentChildren;
}

export function PlateBox({ input, plate, fuzzy, onPlate, onFuzzy, children }: PlateBoxProps) {
  const { texts } = useConsole();
  const [hasPad, setPad] = useState(false);
  const isWild = hasWildcard(plate);
  const choose = (text: string) => {
    onPlate(text);
    input.current?.focus();
  };
  return (
    <div class="plate-box">
      <div class="row plate-row">
        <label class="field grow">
          <span>{texts.find.plate}</span>
          <input
            ref={input}
            class="plate-input"
            name="plate"
            value={plate}
            maxLength={32}
            autocomplete="off"
            autocapitalize="characters"
            spellcheck={false}
            placeholder={texts.find.platePlaceholder}
            aria-describedby="plate-hint"
            onInput={(event) => onPlate(event.currentTarget.value)}
          />
        </label>
        <button type="button" aria-expanded={hasPad} onClick={() => setPad(!hasPad)}>
          {texts.find.provinces}
        </button>
        {children}
      </div>
      {hasPad && (
        // biome-ignore lint/a11y/useSemanticElements: a fieldset would be a group of form fields
        <div class="pad" role="group" aria-label={texts.find.provinces}>
          {PROVINCES.map(([character, pinyin]) => (
            <button
              key={character}
              type="button"
              onClick={() => choose(withProvince(plate, character))}
            >
              {character}
              <small>{pinyin}</small>
            </button>
          ))}
        </div>
      )}
      <Suggestions plate={plate} onChoose={choose} />
      <div class="row plate-options">
        <p id="plate-hint" class="hint">
          {texts.find.plateHint}
        </p>
        <label class="check">
          <input
            type="checkbox"
            checked={fuzzy && !isWild}
            disabled={isWild}
            title={isWild ? texts.find.fuzzyNeedsWhole : ""}
            onChange={(event) => onFuzzy(event.currentTarget.checked)}
          />
          {texts.find.fuzzy}
        </label>
      </div>
    </div>
  );
}

function Suggestions(props: { plate: string; onChoose: (plate: string) => void }) {
  const { texts } = useConsole();
  const suggestions = suggestedPlates(props.plate);
  const seen = useSeenPlates(props.plate);
  return (
    <p class="row suggestions" aria-live="polite">
      {suggestions.length > 0 && <span class="quiet">{texts.find.suggestions}</span>}
      {suggestions.length === 0 && seen.length > 0 && (
        <span class="quiet">{texts.quickSearch.seen}</span>
      )}
      {[...suggestions, ...seen].map((plate) => (
        <button key={plate} type="button" onClick={() => props.onChoose(plate)}>
          {dotted(plate)}
        </button>
      ))}
    </p>
  );
}
