// The choice of one camera of thousands: by parts of its name or its id, from a list below.
import { useEffect, useRef, useState } from "preact/hooks";
import { cameraName, useConsole } from "../shell/console-context.ts";
import { matchingCameras } from "./camera-choice.ts";

const MAX_SHOWN = 12;

interface CameraFieldProps {
  camera: string;
  onChange: (id: string) => void;
  /** Whether a text that is no camera of the registry is taken as the id of a former one. */
  takesFormer?: boolean;
}

export function CameraField(props: CameraFieldProps) {
  const { texts, cameras } = useConsole();
  const { takesFormer = false } = props;
  const [text, setText] = useState("");
  const [hasFocus, setFocus] = useState(false);
  const name = props.camera === "" ? "" : cameraName(cameras, props.camera);
  /** What was reported since the last choice of a camera. Renderings may come late. */
  const reported = useRef(new Set<string>());
  useEffect(() => {
    // A text that is no camera stays in the field, which then has no camera.
    if (!reported.current.has(props.camera) || cameras.has(props.camera)) setText(name);
  }, [name]);
  const all = [...cameras.values()];
  const matching = matchingCameras(all, text);
  const isUnknown = text !== "" && matching.length === 0 && !takesFormer;
  const isUnfinished = text !== "" && props.camera === "" && !isUnknown && !hasFocus;
  const listed = hasFocus && text.trim() !== "" && text !== name ? matching : [];

  const report = (id: string) => {
    if (cameras.has(id)) reported.current.clear();
    reported.current.add(id);
    if (id !== props.camera) props.onChange(id);
  };
  const choose = (id: string) => {
    setText(cameraName(cameras, id));
    report(id);
  };
  const take = (typed: string) => {
    setText(typed);
    const chosen = all.find((camera) => camera.name === typed || camera.id === typed);
    report(chosen?.id ?? (takesFormer ? typed.trim() : ""));
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
          aria-invalid={isUnknown || isUnfinished}
          onInput={(event) => take(event.currentTarget.value)}
          onKeyDown={(event) => {
            const [first] = listed;
            if (event.key !== "Enter" || first === undefined) return;
            event.preventDefault();
            choose(first.id);
          }}
        />
        {isUnknown && <small role="alert">{texts.find.unknownCamera}</small>}
        {isUnfinished && <small role="alert">{texts.find.chooseCamera}</small>}
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
