// A labelled choice from a list. The browser's own control works by keyboard, touch and speech.
interface SelectProps<Value extends string> {
  label: string;
  value: Value;
  options: readonly (readonly [value: Value, text: string])[];
  onChange: (value: Value) => void;
}

export function Select<Value extends string>(props: SelectProps<Value>) {
  return (
    <label class="field">
      <span>{props.label}</span>
      <select
        title={props.label}
        value={props.value}
        onChange={(event) => {
          const chosen = props.options.find(([value]) => value === event.currentTarget.value);
          // The list shows another choice when the page has taken it, which may need the server.
          event.currentTarget.value = props.value;
          if (chosen !== undefined) props.onChange(chosen[0]);
        }}
      >
        {props.options.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

/** Return the options of a list of values with their texts, after one for no choice. */
export function optionsWithAll<Value extends string>(
  all: string,
  values: readonly Value[],
  texts: Readonly<Record<Value, string>>,
): (readonly [Value | "", string])[] {
  return [["", all] as const, ...values.map((value) => [value, texts[value]] as const)];
}
