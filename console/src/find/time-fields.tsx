// The time of a search: a range in words, or its start and end in the time of the site.
import { useConsole } from "../shell/console-context.ts";
import { Select } from "../shell/select.tsx";
import { PRESETS, type Preset, rangeOf } from "../time/presets.ts";
import { instantOf, wallOf } from "../time/zone.ts";

export interface TimeChoice {
  fromMs: number | null;
  toMs: number | null;
}

export function TimeFields(props: TimeChoice & { onChange: (time: TimeChoice) => void }) {
  const { texts, zone } = useConsole();
  const isAnyTime = props.fromMs === null && props.toMs === null;
  const choose = (choice: Preset | "any" | "own") => {
    if (choice === "any") props.onChange({ fromMs: null, toMs: null });
    else if (choice !== "own") props.onChange(rangeOf(choice, Date.now(), zone));
  };
  return (
    <>
      <Select
        label={texts.find.time}
        value={isAnyTime ? "any" : "own"}
        options={[
          ["any", texts.find.anyTime],
          ["own", texts.find.ownRange],
          ...PRESETS.map((preset) => [preset, texts.find.presets[preset]] as const),
        ]}
        onChange={choose}
      />
      <Moment
        label={texts.find.from}
        instantMs={props.fromMs}
        onChange={(fromMs) => props.onChange({ fromMs, toMs: props.toMs })}
      />
      <Moment
        label={texts.find.to}
        instantMs={props.toMs}
        onChange={(toMs) => props.onChange({ fromMs: props.fromMs, toMs })}
      />
    </>
  );
}

interface MomentProps {
  label: string;
  instantMs: number | null;
  onChange: (instantMs: number | null) => void;
}

function Moment({ label, instantMs, onChange }: MomentProps) {
  const { zone } = useConsole();
  return (
    <label class="field">
      <span>{label}</span>
      <input
        type="datetime-local"
        step={1}
        value={instantMs === null ? "" : wallOf(instantMs, zone)}
        onChange={(event) => onChange(instantOf(event.currentTarget.value, zone))}
      />
    </label>
  );
}
