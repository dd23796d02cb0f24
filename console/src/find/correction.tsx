// A person's correction of a plate that was read wrong. The reading is kept, and found too.
import type { TargetedSubmitEvent } from "preact";
import { api, type EventView, result } from "../api/client.ts";
import { ApiProblem } from "../api/problem.ts";
import { ReasonField } from "../shell/confirm-dialog.tsx";
import { hasRight, useConsole } from "../shell/console-context.ts";
import { useAction } from "../shell/use-action.ts";
import { plateOf } from "./plate-badge.tsx";

interface CorrectionProps {
  event: EventView;
  /** Called with the event as it is now, also if another person was faster. */
  onCorrected: (event: EventView) => void;
}

export function Correction({ event, onCorrected }: CorrectionProps) {
  const { texts, session } = useConsole();
  const { correction } = texts;
  const { notice, isBusy, run } = useAction();
  if (event.plate === null || !hasRight(session, "events_correct")) return null;
  const submit = (submitted: TargetedSubmitEvent<HTMLFormElement>) => {
    submitted.preventDefault();
    const form = new FormData(submitted.currentTarget, submitted.submitter);
    const plate = form.get("withdraw") === null ? `${form.get("plate")}`.trim() : null;
    const reason = `${form.get("reason")}`.trim();
    void run(async () => onCorrected(await correct(event, plate, reason, onCorrected)));
  };
  return (
    <details class="correction">
      <summary>{correction.title}</summary>
      <form key={event.corrected?.version ?? 0} class="stack" onSubmit={submit}>
        {notice && (
          <p class="notice" role="alert">
            {notice}
          </p>
        )}
        <label class="field">
          <span>{correction.plate}</span>
          <input
            name="plate"
            class="plate-input"
            defaultValue={plateOf(event)}
            maxLength={32}
            autocomplete="off"
            required
          />
        </label>
        <ReasonField />
        <div class="row">
          <button type="submit" class="primary" disabled={isBusy}>
            {correction.save}
          </button>
          {event.corrected?.text && (
            <button type="submit" name="withdraw" value="1" disabled={isBusy}>
              {correction.withdraw}
            </button>
          )}
        </div>
      </form>
    </details>
  );
}

/** Correct a plate, or withdraw a correction by null. Return the event as it is then. */
async function correct(
  event: EventView,
  plate: string | null,
  reason: string,
  onConflict: (event: EventView) => void,
): Promise<EventView> {
  const params = { path: { id: event.id } };
  const body = { plate, reason, version: event.corrected?.version ?? 0 };
  try {
    return await result(api.PATCH("/v1/events/{id}", { params, body }));
  } catch (error) {
    if (error instanceof ApiProblem && error.kind === "correction_conflict") {
      onConflict(await result(api.GET("/v1/events/{id}", { params })));
    }
    throw error;
  }
}
