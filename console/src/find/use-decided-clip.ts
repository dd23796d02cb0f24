// An event whose clip is being made, until the feed says that it is there or that there is none.
import { useEffect, useState } from "preact/hooks";
import { api, type EventView, result, type Schemas } from "../api/client.ts";
import { ApiProblem, isAborted, Offline } from "../api/problem.ts";
import type { ServerMessage } from "../feeds/sse.ts";
import { subscribe } from "../feeds/subscribe.ts";

/**
 * Return the event, in its later form as soon as its clip is decided.
 *
 * The feed of the camera is read from the passing on, so nothing is missed between the search and
 * the feed, and one line of the audit log is enough however long the clip takes.
 */
export function useDecidedClip(event: EventView): EventView {
  const [decided, setDecided] = useState<EventView | null>(null);
  const shown = decided?.id === event.id && !isDecided(event) ? decided : event;
  const isOpen = !isDecided(shown);
  const { id, camera, kind, started_at: startedAt } = event;
  useEffect(() => {
    if (!isOpen) return undefined;
    const ending = new AbortController();
    const take = (message: ServerMessage) => {
      if (message.event === "gap") void read();
      if (message.event !== "event") return;
      const { event: later }: Schemas["FeedEventMessage"] = JSON.parse(message.data);
      if (later.id === id && isDecided(later)) setDecided(later);
    };
    /** What the feed no longer has is read once. */
    const read = async () => {
      const request = { params: { path: { id } }, signal: ending.signal };
      const later = await result(api.GET("/v1/events/{id}", request)).catch(ignoreFailure);
      if (later !== null && isDecided(later)) setDecided(later);
    };
    const query = { camera, kind, after: `${1000 * Date.parse(startedAt)}` };
    void subscribe("/v1/events/feed", query, ending.signal, take, () => undefined).catch(
      ignoreFailure,
    );
    return () => ending.abort();
  }, [isOpen, id, camera, kind, startedAt]);
  return shown;
}

function isDecided(event: EventView): boolean {
  return event.clip_ready || event.clip_missing !== null;
}

/** The page still says that the clip is being made, and a person can open the event again. */
function ignoreFailure(error: unknown): null {
  if (error instanceof ApiProblem || error instanceof Offline || isAborted(error)) return null;
  throw error;
}
