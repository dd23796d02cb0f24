// The name of the viewer and the time over a picture, where the site requires them.
import { useEffect, useState } from "preact/hooks";
import { useConsole, useTimes } from "./console-context.ts";

const SECOND_MS = 1000;

export function ViewerMark() {
  const { site, session } = useConsole();
  const time = useTimes();
  const [nowMs, setNowMs] = useState(Date.now);
  const isOn = site.viewer_overlay;
  useEffect(() => {
    if (!isOn) return undefined;
    const timer = setInterval(() => setNowMs(Date.now()), SECOND_MS);
    return () => clearInterval(timer);
  }, [isOn]);
  if (!isOn) return null;
  return (
    <span class="viewer-mark" aria-hidden="true">
      {session.name} {time(nowMs)}
    </span>
  );
}
