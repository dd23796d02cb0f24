// The clip of an event: it is played, awaited while it is being made, and loaded again on request.
import { useState } from "preact/hooks";
import type { EventView } from "../api/client.ts";
import { useClip } from "../api/use-content.ts";
import { momentOf } from "../playback/playback-query.ts";
import { hasRight, useConsole } from "../shell/console-context.ts";
import { addressOf } from "../shell/route.ts";
import { clipText } from "./facts.ts";
import { useDecidedClip } from "./use-decided-clip.ts";

interface ClipProps {
  event: EventView;
  /** Called at the end of the clip. With it, the clip plays by itself. */
  onEnded?: () => void;
}

export function Clip({ event: shown, ...playing }: ClipProps) {
  const { texts } = useConsole();
  const event = useDecidedClip(shown);
  const [tries, setTries] = useState(0);
  if (event.clip_ready) {
    const isAskedAnew = tries > 0;
    const onRetry = () => setTries(tries + 1);
    return <Video key={tries} path={event.clip} {...{ isAskedAnew, onRetry, ...playing }} />;
  }
  if (event.clip_missing !== null) return <p>{clipText(event, texts)}</p>;
  return <Awaited event={event} />;
}

function Awaited({ event }: { event: EventView }) {
  const { texts, session } = useConsole();
  return (
    <p class="event-clip-awaited" role="status">
      {texts.event.clipAwaited}{" "}
      {hasRight(session, "recordings_read") && (
        <a href={addressOf("playback", momentOf(event.camera, Date.parse(event.started_at)))}>
          {texts.event.playback}
        </a>
      )}
    </p>
  );
}

interface VideoProps extends Pick<ClipProps, "onEnded"> {
  path: string;
  /** Whether the person has asked for it again after a failure. */
  isAskedAnew: boolean;
  onRetry: () => void;
}

function Video({ path, isAskedAnew, onRetry, onEnded }: VideoProps) {
  const { texts } = useConsole();
  const { url, failure } = useClip(path, isAskedAnew);
  const [cannotPlay, setCannotPlay] = useState(false);
  if (failure !== null || cannotPlay) {
    return (
      <div class="event-clip-failed">
        <p role="alert">{failure === null ? texts.event.clipFailed : failure.message}</p>
        <button type="button" onClick={onRetry}>
          {texts.shell.retry}
        </button>
      </div>
    );
  }
  if (url === null) return <p>{texts.states.loading}</p>;
  return (
    <video
      class="event-clip"
      src={url}
      controls
      autoplay={onEnded !== undefined}
      playsInline
      muted
      aria-label={texts.event.clip}
      onEnded={() => onEnded?.()}
      onError={() => setCannotPlay(true)}
    />
  );
}
