// The choice of one camera of thousands: by parts of its name or its id, from a list below.
import { useEffect, useState } from "preact/hooks";
import { cameraName, useConsole } from "../shell/console-context.ts";
import { matchingCameras } from "./camera-choice.ts";

const MAX_SHOWN = 12;

interface CameraFieldProps {
  camera: string;
  /** Called when the person chooses a camera or leaves the field; empty if its text is no camera. */
  onChange: (id: string) => void;
  /** Whether a text that is no camera of the registry is taken as the id of a former one. */
  takesFormer?: boolean;
}

export function CameraField(props: CameraFieldProps) {
  const { texts, cameras } = useConsole();
  const { camera, onChange, takesFormer = false } = props;
  /** What is typed and is no camera, or not yet; null while the field shows its camera. */
  const [typed, setTyped] = useState<string | null>(null);
  const [hasFocus, setFocus] = useState(false);
  useEffect(() => {
    if (camera !== "") setTyped(null);
  }, [camera]);
  const all = [...cameras.values()];
  const text = typed ?? (camera === "" ? "" : cameraName(cameras, camera));
  const matching = matchingCameras(all, text);
  const isUnknown = text !== "" && matching.length === 0 && !takesFormer;
  const isUnfinished = Boolean(typed) && !isUnknown && !hasFocus;
  const listed = hasFocus && typed?.trim() ? matching : [];

  const report = (id: string) => {
    if (id !== camera) onChange(id);
  };
  const choose = (id: string) => {
    setTyped(null);
    report(id);
  };
  /** Take the text as it is: a camera, no camera, or the id of a former one. */
  const take = () => {
    if (typed === null) return;
    const chosen = all.find((one) => one.name === typed || one.id === typed);
    const id = chosen?.id ?? (takesFormer ? typed.trim() : "");
    if (id !== "" || typed === "") choose(id);
    else report("");
  };
  const pressEnter = (event: KeyboardEvent) => {
    const [first] = listed;
    if (first === undefined || all.some((one) => one.name === typed || one.id === typed)) {
      take();
      return;
    }
    event.preventDefault();
    choose(first.id);
  };
  return (
    <div
      class="camera-field"
      onFocusIn={() => setFocus(true)}
      onFocusOut={({ currentTarget, relatedTarget }) => {
        if (relatedTarget instanceof Node && currentTarget.contains(relatedTarget)) return;
        setFocus(false);
        take();
      }}
    >
      <label class="field">
        <span>{texts.find.camera}</span>
        <input
          value={text}
          autocomplete="off"
          placeholder={texts.find.cameraPlaceholder}
          aria-invalid={isUnknown || isUnfinished}
          onInput={(event) => setTyped(event.currentTarget.value)}
          onKeyDown={(event) => event.key === "Enter" && pressEnter(event)}
        />
        {isUnknown && <small role="alert">{texts.find.unknownCamera}</small>}
        {isUnfinished && <small role="alert">{texts.find.chooseCamera}</small>}
      </label>
      {listed.length > 0 && (
        <ul class="camera-matches" aria-label={texts.find.suggestions}>
          {listed.slice(0, MAX_SHOWN).map((one) => (
            <li key={one.id}>
              <button
                type="button"
                // Some browsers give a button no focus by a click, and the list would close.
                onPointerDown={(event) => event.preventDefault()}
                onClick={() => choose(one.id)}
              >
                {one.name} <small class="quiet">{one.id}</small>
              </button>
            </li>
          ))}
          {listed.length > MAX_SHOWN && <li class="hint">{texts.live.moreCameras}</li>}
        </ul>
      )}
    </div>
  );
}
