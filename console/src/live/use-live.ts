// Keeps the live video of a camera in a <video> element, and its state in a component.
import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useConsole } from "../shell/console-context.ts";
import { LiveConnection } from "./live-connection.ts";
import { type LiveState, START, type Wishes } from "./live-state.ts";

export function useLive(
  video: RefObject<HTMLVideoElement | null>,
  camera: string,
  { wantsSub, wantsDetections, wantsSound }: Wishes,
): LiveState & { connectNow: () => void } {
  const texts = useConsole().texts.live;
  const [state, setState] = useState<LiveState>(START);
  const current = useRef<LiveConnection | null>(null);
  useEffect(() => {
    setState(START);
    if (video.current === null) return undefined;
    const wishes = { wantsSub, wantsDetections, wantsSound };
    const connection = new LiveConnection(video.current, camera, wishes, (change) =>
      setState((now) => ({ ...now, ...change })),
    );
    current.current = connection;
    void connection.open();
    return () => {
      current.current = null;
      connection.end();
    };
  }, [video, camera, wantsSub, wantsDetections, wantsSound]);
  const refused = state.soundRefusal === "NotAllowedError" ? "soundNeedsClick" : "soundRefused";
  const soundProblem = state.soundRefusal === "" ? state.soundProblem : texts[refused];
  return { ...state, soundProblem, connectNow: () => current.current?.openNow() };
}
