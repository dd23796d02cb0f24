// One camera of the playback: its picture, or why there is none at this moment.
import { useEffect, useRef } from "preact/hooks";
import { cameraName, useConsole } from "../shell/console-context.ts";
import { ViewerMark } from "../shell/viewer-mark.tsx";
import { asSentence } from "../texts/sentence.ts";
import { momentAt } from "./coverage.ts";
import { gapText } from "./gap-text.ts";
import type { Playback, PlaybackView } from "./playback.ts";

interface PlaybackTileProps {
  camera: string;
  playback: Playback;
  view: PlaybackView;
  onRemove: () => void;
}

export function PlaybackTile({ camera, playback, view, onRemove }: PlaybackTileProps) {
  const { texts, cameras } = useConsole();
  const video = useRef<HTMLVideoElement>(null);
  const name = cameraName(cameras, camera);
  useEffect(() => {
    if (video.current === null) return undefined;
    return playback.attach(camera, video.current);
  }, [playback, camera]);
  const message = useMessage(camera, playback, view);
  return (
    <section class="tile" aria-label={name}>
      <video ref={video} muted playsInline aria-label={texts.playback.videoOf(name)} />
      <ViewerMark />
      <div class="tile-bar">
        <span class="cut">{name}</span>
        <button type="button" onClick={onRemove}>
          {texts.live.remove}
        </button>
      </div>
      {message && (
        <p class="tile-message" role="status">
          {message}
        </p>
      )}
    </section>
  );
}

/** Return why the tile has no picture of the moment; empty if it has one. */
function useMessage(camera: string, playback: Playback, view: PlaybackView): string {
  const { texts } = useConsole();
  const state = view.players.get(camera);
  const moment = momentAt(playback.coverage.of(camera), view.positionMs);
  if (moment.kind === "gap") {
    const { cause, detail } = moment.gap;
    return [gapText(cause, texts), detail].filter(Boolean).join(texts.colon);
  }
  if (moment.kind === "open") return texts.playback.open;
  if (state?.unsupportedCodec) return texts.live.unsupported(state.unsupportedCodec);
  if (state?.problem) return asSentence(state.problem);
  return playback.hasPicture(camera) ? "" : texts.states.loading;
}
