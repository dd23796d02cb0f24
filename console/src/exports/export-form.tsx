// The form of a new export: cameras, a range, and the reason.
import { useEffect, useState } from "preact/hooks";
import { api, result } from "../api/client.ts";
import { type Failure, failureOf } from "../api/problem.ts";
import { CameraField } from "../find/camera-field.tsx";
import { TimeFields } from "../find/time-fields.tsx";
import { cameraName, useConsole } from "../shell/console-context.ts";
import { Failed } from "../shell/states.tsx";
import { draftOf, rangesOf } from "./export-draft.ts";

interface ExportFormProps {
  address: string;
  onCreated: () => void;
}

export function ExportForm({ address, onCreated }: ExportFormProps) {
  const { texts, purpose } = useConsole();
  const [draft, setDraft] = useState(() => draftOf(new URLSearchParams(address)));
  const [reason, setReason] = useState(purpose.reason);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [isSending, setSending] = useState(false);
  useEffect(() => setDraft(draftOf(new URLSearchParams(address))), [address]);
  const ranges = rangesOf(draft);
  const create = async () => {
    if (ranges === null) return;
    setSending(true);
    setFailure(null);
    try {
      await result(api.POST("/v1/exports", { body: { ranges, reason } }));
      onCreated();
    } catch (error) {
      setFailure(failureOf(error));
    } finally {
      setSending(false);
    }
  };
  return (
    <form
      class="search"
      onSubmit={(event) => {
        event.preventDefault();
        void create();
      }}
    >
      <h2>{texts.exports.create}</h2>
      <ChosenCameras
        cameras={draft.cameras}
        onChange={(cameras) => setDraft({ ...draft, cameras })}
      />
      <div class="filter-fields">
        <TimeFields
          fromMs={draft.fromMs}
          toMs={draft.toMs}
          onChange={(time) => setDraft({ ...draft, ...time })}
        />
        <label class="field">
          <span>{texts.reason.reason}</span>
          <input
            name="reason"
            value={reason}
            required
            maxLength={500}
            autocomplete="off"
            onInput={(event) => setReason(event.currentTarget.value)}
          />
        </label>
      </div>
      <p class="quiet">{texts.exports.explanation}</p>
      {failure !== null && <Failed failure={failure} onRetry={() => void create()} />}
      <div class="row">
        <button type="submit" class="primary" disabled={ranges === null || isSending}>
          {texts.exports.submit}
        </button>
      </div>
    </form>
  );
}

function ChosenCameras(props: {
  cameras: readonly string[];
  onChange: (cameras: string[]) => void;
}) {
  const { texts, cameras } = useConsole();
  const add = (id: string) => {
    if (id !== "" && !props.cameras.includes(id)) props.onChange([...props.cameras, id]);
  };
  return (
    <div class="row export-cameras">
      {/* A new key empties the field after each choice. */}
      <CameraField key={props.cameras.length} camera="" onChange={add} />
      <ul>
        {props.cameras.map((id) => (
          <li key={id}>
            <button
              type="button"
              aria-label={texts.exports.removeCamera(cameraName(cameras, id))}
              onClick={() => props.onChange(props.cameras.filter((one) => one !== id))}
            >
              {cameraName(cameras, id)} ×
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
