// The clip of an event in a <video> element, with what is shown while it loads and when it fails.
import { useState } from "preact/hooks";
import { useClip } from "../api/use-content.ts";
import { useConsole } from "../shell/console-context.ts";

interface ClipProps {
  path: string;
  /** Called at the end of the clip. With it, the clip plays by itself. */
  onEnded?: () => void;
}

export function Clip({ path, onEnded }: ClipProps) {
  const { texts } = useConsole();
  const { url, failure } = useClip(path);
  const [cannotPlay, setCannotPlay] = useState(false);
  if (failure !== null) return <p role="alert">{failure.message}</p>;
  if (cannotPlay) return <p role="alert">{texts.event.clipFailed}</p>;
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
