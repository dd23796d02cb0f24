// The choice of one camera of thousands: by a part of its name or by its id.
import { useEffect, useState } from "preact/hooks";
import { cameraName, useConsole } from "../shell/console-context.ts";
import { matchingCameras } from "./camera-choice.ts";

const MAX_SHOWN = 50;

export function CameraField(props: { camera: string; onChange: (id: string) => void }) {
  const { texts, cameras } = useConsole();
  const [text, setText] = useState("");
  const name = props.camera === "" ? "" : cameraName(cameras, props.camera);
  useEffect(() => setText(name), [name]);
  const all = [...cameras.values()];
  const matching = matchingCameras(all, text);
  const isUnknown = text !== "" && matching.length === 0;

  const take = (typed: string) => {
    setText(typed);
    const chosen = all.find((camera) => camera.name === typed || camera.id === typed);
    if (chosen !== undefined) props.onChange(chosen.id);
    else if (typed === "") props.onChange("");
  };
  return (
    <label class="field">
      <span>{texts.find.camera}</span>
      <input
        list="camera-names"
        value={text}
        autocomplete="off"
        placeholder={texts.find.cameraPlaceholder}
        aria-invalid={isUnknown}
        onInput={(event) => take(event.currentTarget.value)}
        onKeyDown={(event) => {
          const [only] = matching;
          if (event.key !== "Enter" || only === undefined || matching.length > 1) return;
          if (only.id === props.camera) return;
          event.preventDefault();
          props.onChange(only.id);
        }}
      />
      <datalist id="camera-names">
        {matching.slice(0, MAX_SHOWN).map((camera) => (
          <option key={camera.id} value={camera.name}>
            {camera.id}
          </option>
        ))}
      </datalist>
      {isUnknown && <small role="alert">{texts.find.unknownCamera}</small>}
    </label>
  );
}
