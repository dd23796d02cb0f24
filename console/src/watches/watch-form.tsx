// The form of a new watch: which plate, how long, and why.
import type { TargetedSubmitEvent } from "preact";
import { useState } from "preact/hooks";
import { api, result } from "../api/client.ts";
import { hasWildcard } from "../find/plate.ts";
import { useConsole } from "../shell/console-context.ts";
import { useAction } from "../shell/use-action.ts";
import { DURATIONS, type Duration, endOf } from "./watch-end.ts";

interface WatchFormProps {
  plate: string;
  onPlaced: () => void;
}

/** Reason and case are those of the task, which the person has entered for it already. */
export function WatchForm(props: WatchFormProps) {
  const { texts, purpose } = useConsole();
  const { watches } = texts;
  const [plate, setPlate] = useState(props.plate);
  const { notice, isBusy, run } = useAction();
  const isWild = hasWildcard(plate);
  const submit = (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string) => String(form.get(name) ?? "").trim();
    const days = DURATIONS.find((one) => `${one}` === text("days")) ?? DURATIONS[0];
    const body = {
      plate: plate.trim(),
      fuzzy: form.has("fuzzy") && !isWild,
      until: endOf(days, Date.now()),
      reason: text("reason"),
      case: text("case"),
    };
    void run(async () => {
      await result(api.POST("/v1/watches", { body }));
      setPlate("");
      props.onPlaced();
    });
  };
  return (
    <form class="search watch-form" aria-label={watches.place} onSubmit={submit}>
      {notice && (
        <p class="notice" role="alert">
          {notice}
        </p>
      )}
      <div class="filter-fields">
        <label class="field">
          <span>{texts.find.plate}</span>
          <input
            name="plate"
            class="plate-input"
            value={plate}
            maxLength={32}
            autocomplete="off"
            required
            onInput={(event) => setPlate(event.currentTarget.value)}
          />
        </label>
        <label class="field">
          <span>{watches.duration}</span>
          <select name="days">
            {DURATIONS.map((days: Duration) => (
              <option key={days} value={days} selected={days === 7}>
                {watches.days(days)}
              </option>
            ))}
          </select>
        </label>
        <label class="field watch-reason">
          <span>{texts.reason.reason}</span>
          <input
            name="reason"
            defaultValue={purpose.reason}
            maxLength={500}
            autocomplete="off"
            required
          />
        </label>
        <label class="field">
          <span>{watches.case}</span>
          <input
            name="case"
            defaultValue={purpose.case}
            maxLength={500}
            autocomplete="off"
            required
          />
        </label>
      </div>
      <div class="row">
        <label class="check">
          <input
            type="checkbox"
            name="fuzzy"
            disabled={isWild}
            title={isWild ? texts.find.fuzzyNeedsWhole : ""}
          />
          {texts.find.fuzzy}
        </label>
        <button type="submit" class="primary" disabled={isBusy}>
          {watches.place}
        </button>
      </div>
      <p class="hint">{watches.how}</p>
    </form>
  );
}
