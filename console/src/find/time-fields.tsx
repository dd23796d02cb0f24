// The time of a search: a range in words, or its start and end in the time of the site.
import { Choices } from "../shell/choices.tsx";
import { useConsole, useTimes } from "../shell/console-context.ts";
import { hoursOf, PRESETS, type Preset, presetOf, rangeOf } from "../time/presets.ts";
import { instantOf, wallOf } from "../time/zone.ts";

export interface TimeChoice {
  fromMs: number | null;
  toMs: number | null;
}

interface TimeProps extends TimeChoice {
  onChange: (time: TimeChoice) => void;
}

export function TimeFields(props: TimeProps) {
  return (
    <>
      <div class="wide">
        <TimePresets {...props} presets={PRESETS} />
      </div>
      <TimeEnds {...props} />
    </>
  );
}

/** The ranges in words, by one click each. A second click takes the choice back. */
export function TimePresets({
  fromMs,
  toMs,
  presets,
  label,
  onChange,
}: TimeProps & { presets: readonly Preset[]; label?: string }) {
  const { texts, zone } = useConsole();
  const chosen =
    fromMs === null || toMs === null ? null : presetOf({ fromMs, toMs }, Date.now(), zone);
  return (
    <Choices
      label={label ?? texts.find.time}
      chosen={chosen}
      choices={presets.map((preset) => [preset, <PresetText key={preset} preset={preset} />])}
      onChoose={(preset) =>
        onChange(preset === null ? { fromMs: null, toMs: null } : rangeOf(preset, Date.now(), zone))
      }
    />
  );
}

/** A range in words, with its hours if it is a part of a day. Pointed at, it says the whole range. */
function PresetText({ preset }: { preset: Preset }) {
  const { texts, zone } = useConsole();
  const time = useTimes();
  const { fromMs, toMs } = rangeOf(preset, Date.now(), zone);
  const hours = hoursOf(preset);
  return (
    <span title={`${time(fromMs)} – ${time(toMs)}`}>
      {texts.find.presets[preset]}
      {hours !== "" && <small class="hours"> {hours}</small>}
    </span>
  );
}

/** The start and the end of a range as fields. */
export function TimeEnds({ fromMs, toMs, onChange }: TimeProps) {
  const { texts } = useConsole();
  return (
    <>
      <Moment
        label={texts.find.from}
        instantMs={fromMs}
        onChange={(changed) => onChange({ fromMs: changed, toMs })}
      />
      <Moment
        label={texts.find.to}
        instantMs={toMs}
        onChange={(changed) => onChange({ fromMs, toMs: changed })}
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
