// The choice of one camera of thousands: by parts of its name or its id, from a list below.
import { useEffect, useState } from "preact/hooks";
import { cameraName, useConsole } from "../shell/console-context.ts";
import { matchingCameras } from "./camera-choice.ts";

const MAX_SHOWN = 12;

export function CameraField(props: { camera: string; onChange: (id: string) => void }) {
  const { texts, cameras } = useConsole();
  const [text, setText] = useState("");
  const [hasFocus, setFocus] = useState(false);
  const name = props.camera === "" ? "" : cameraName(cameras, props.camera);
  useEffect(() => setText(name), [name]);
  const all = [...cameras.values()];
  const matching = matchingCameras(all, text);
  const isUnknown = text !== "" && matching.length === 0;
  const listed = hasFocus && text.trim() !== "" && text !== name ? matching : [];

  const choose = (id: string) => {
    setText(cameraName(cameras, id));
    props.onChange(id);
  };
  const take = (typed: string) => {
    setText(typed);
    const chosen = all.find((camera) => camera.name === typed || camera.id === typed);
    if (chosen !== undefined) props.onChange(chosen.id);
    else if (typed === "") props.onChange("");
  };
  return (
    <div
      class="camera-field"
      onFocusIn={() => setFocus(true)}
      onFocusOut={(event) => {
        const next = event.relatedTarget;
        setFocus(next instanceof Node && event.currentTarget.contains(next));
      }}
    >
      <label class="field">
        <span>{texts.find.camera}</span>
        <input
          value={text}
          autocomplete="off"
          placeholder={texts.find.cameraPlaceholder}
          aria-invalid={isUnknown}
          onInput={(event) => take(event.currentTarget.value)}
          onKeyDown={(event) => {
            const [first] = listed;
            if (event.key !== "Enter" || first === undefined) return;
            event.preventDefault();
            choose(first.id);
          }}
        />
        {isUnknown && <small role="alert">{texts.find.unknownCamera}</small>}
      </label>
      {listed.length > 0 && (
        <ul class="camera-matches" aria-label={texts.find.suggestions}>
          {listed.slice(0, MAX_SHOWN).map((camera) => (
            <li key={camera.id}>
              <button
                type="button"
                // Some browsers give a button no focus by a click, and the list would close.
                onPointerDown={(event) => event.preventDefault()}
                onClick={() => choose(camera.id)}
              >
                {camera.name} <small class="quiet">{camera.id}</small>
              </button>
            </li>
          ))}
          {listed.length > MAX_SHOWN && <li class="hint">{texts.live.moreCameras}</li>}
        </ul>
      )}
    </div>
  );
}
