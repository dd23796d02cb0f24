// One tile of the wall: the picture, the camera, its state, and why there is no picture.
import { useRef } from "preact/hooks";
import { StateMark } from "../cameras/camera-state.tsx";
import { cameraName, useConsole } from "../shell/console-context.ts";
import { useLive } from "./use-live.ts";

interface LiveTileProps {
  id: string;
  isLarge: boolean;
  onEnlarge: () => void;
  onClear: () => void;
}

export function LiveTile({ id, isLarge, onEnlarge, onClear }: LiveTileProps) {
  const { texts, cameras } = useConsole();
  const video = useRef<HTMLVideoElement>(null);
  const live = useLive(video, id, !isLarge);
  const camera = cameras.get(id);
  const name = cameraName(cameras, id);
  return (
    <section class="tile" aria-label={name}>
      <video ref={video} muted playsInline aria-label={texts.live.videoOf(name)} />
      <div class="tile-bar">
        <span class="cut">{name}</span>
        {camera && camera.state !== "live" && <StateMark camera={camera} texts={texts} />}
        {live.delayS !== null && <span>{texts.live.delay(live.delayS.toFixed(1))}</span>}
        {!isLarge && (
          <button type="button" onClick={onEnlarge}>
            {texts.live.enlarge}
          </button>
        )}
        <button type="button" onClick={onClear}>
          {texts.live.remove}
        </button>
      </div>
      {(live.phase !== "playing" || live.unsupportedCodec !== "") && (
        <p class="tile-message" role="status">
          {live.unsupportedCodec
            ? texts.live.unsupported(live.unsupportedCodec)
            : texts.live.phases[live.phase === "playing" ? "connecting" : live.phase]}{" "}
          {live.problem}
        </p>
      )}
    </section>
  );
}
