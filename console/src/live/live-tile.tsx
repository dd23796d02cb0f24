// One tile of the wall: the picture, the camera, its state, and why there is no picture.
import { useRef, useState } from "preact/hooks";
import { StateMark } from "../cameras/camera-state.tsx";
import { cameraName, hasRight, useConsole } from "../shell/console-context.ts";
import { ViewerMark } from "../shell/viewer-mark.tsx";
import { asSentence } from "../texts/sentence.ts";
import { DetectionOverlay } from "./detection-overlay.tsx";
import type { LiveState } from "./live-state.ts";
import { useLive } from "./use-live.ts";

interface LiveTileProps {
  id: string;
  isLarge: boolean;
  onEnlarge: () => void;
  onClear: () => void;
}

/** How the pictures arrive, and what is wrong with that. */
function Route({ live }: { live: LiveState }) {
  const texts = useConsole().texts.live;
  const notices = [
    live.fallback === null ? "" : texts.fallbacks[live.fallback],
    live.stream?.isReduced ? texts.reduced : "",
    live.skips > 0 ? texts.skipped(live.skips) : "",
    asSentence(live.detectionsProblem),
  ].filter(Boolean);
  return (
    <span class="tile-route" role="note" title={notices.join(" ")}>
      {live.fallback === null ? "WebRTC" : "WebSocket"}
      {notices.length > 0 && <span class="hidden"> {notices.join(" ")}</span>}
      {(live.stream?.isReduced || live.skips > 0 || live.detectionsProblem !== "") && (
        <b aria-hidden="true"> !</b>
      )}
    </span>
  );
}

interface SoundButtonProps {
  name: string;
  isOn: boolean;
  onToggle: () => void;
}

/** A loudspeaker, crossed out while the sound is off. */
function SoundButton({ name, isOn, onToggle }: SoundButtonProps) {
  const label = useConsole().texts.live.soundOf(name);
  return (
    <button
      type="button"
      class="sound"
      aria-pressed={isOn}
      aria-label={label}
      title={label}
      onClick={onToggle}
    >
      <svg viewBox="0 0 16 16" aria-hidden="true">
        <path d="M2 6h3l4-3v10l-4-3H2z" />
        <path class="waves" d={isOn ? "M11 5.5q2 2.5 0 5M13 4q3 4 0 8" : "M11 6l4 4M15 6l-4 4"} />
      </svg>
    </button>
  );
}

/** Why the sound that was switched on is not heard. */
function SoundProblem({ live }: { live: LiveState }) {
  const texts = useConsole().texts.live;
  const sentence = live.unsupportedSound
    ? texts.unsupportedSound(live.unsupportedSound)
    : asSentence(live.soundProblem);
  return sentence === "" ? null : (
    <p class="tile-message" role="status">
      {sentence}
    </p>
  );
}

export function LiveTile({ id, isLarge, onEnlarge, onClear }: LiveTileProps) {
  const { texts, cameras, session } = useConsole();
  const [hasBoxes, setHasBoxes] = useState(false);
  const [hasSound, setHasSound] = useState(false);
  const video = useRef<HTMLVideoElement>(null);
  const live = useLive(video, id, {
    wantsSub: !isLarge,
    wantsDetections: hasBoxes,
    wantsSound: hasSound,
  });
  const camera = cameras.get(id);
  const name = cameraName(cameras, id);
  const canHaveBoxes = hasRight(session, "events_read") && (camera?.checkpoint.length ?? 0) > 0;
  return (
    <section class="tile" aria-label={name}>
      <div class="tile-picture">
        <video ref={video} muted={!hasSound} playsInline aria-label={texts.live.videoOf(name)} />
        {hasBoxes && live.widthPx > 0 && <DetectionOverlay {...live} />}
      </div>
      <ViewerMark />
      <div class="tile-bar">
        <span class="cut">{name}</span>
        {camera && camera.state !== "live" && <StateMark camera={camera} texts={texts} />}
        {live.stream !== null && <Route live={live} />}
        {live.delayS !== null && <span>{texts.live.delay(live.delayS.toFixed(1))}</span>}
        <SoundButton name={name} isOn={hasSound} onToggle={() => setHasSound(!hasSound)} />
        {canHaveBoxes && (
          <button
            type="button"
            class="boxes"
            aria-pressed={hasBoxes}
            onClick={() => setHasBoxes(!hasBoxes)}
          >
            {texts.live.boxes}
          </button>
        )}
        {!isLarge && (
          <button type="button" onClick={onEnlarge}>
            {texts.live.enlarge}
          </button>
        )}
        <button type="button" onClick={onClear}>
          {texts.live.remove}
        </button>
      </div>
      {live.phase === "playing" && <SoundProblem live={live} />}
      {(live.phase !== "playing" || live.unsupportedCodec !== "") && (
        <p class="tile-message" role="status">
          {live.unsupportedCodec
            ? texts.live.unsupported(live.unsupportedCodec)
            : texts.live.phases[live.phase === "playing" ? "connecting" : live.phase]}{" "}
          {asSentence(live.problem)}{" "}
          {["waiting", "ended"].includes(live.phase) && (
            <button type="button" class="connect" onClick={live.connectNow}>
              {texts.shell.retry}
            </button>
          )}
        </p>
      )}
    </section>
  );
}
