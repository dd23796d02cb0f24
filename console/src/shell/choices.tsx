// A row of buttons of which at most one is chosen; a second click takes the choice back.
import type { ComponentChildren } from "preact";

interface ChoicesProps<Value extends string> {
  label: string;
  chosen: Value | null;
  choices: readonly (readonly [value: Value, text: ComponentChildren])[];
  onChoose: (value: Value | null) => void;
}

export function Choices<Value extends string>(props: ChoicesProps<Value>) {
  return (
    <fieldset class="row choices">
      <legend class="quiet">{props.label}</legend>
      {props.choices.map(([value, text]) => (
        <button
          key={value}
          type="button"
          data-choice={value}
          aria-pressed={value === props.chosen}
          onClick={() => props.onChoose(value === props.chosen ? null : value)}
        >
          {text}
        </button>
      ))}
    </fieldset>
  );
}
