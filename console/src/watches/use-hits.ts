// Receives the hits of watches while a person is signed in, and rings for each new one.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { Schemas } from "../api/client.ts";
import { ApiProblem } from "../api/problem.ts";
import type { ServerMessage } from "../feeds/sse.ts";
import { subscribe } from "../feeds/subscribe.ts";
import { type Hits, NO_HITS, type WatchMatch, withHit, withoutHit } from "./hits.ts";

export interface HitsControl {
  hits: Hits;
  /** Remove a hit from the list of every tab; all hits without an id. */
  dismiss: (id: string | null) => void;
}

/** The tabs of a browser share what was dismissed. */
const CHANNEL = "sightline.dismissed-hits";

export function useHits(isOn: boolean, onNew: (match: WatchMatch) => void): HitsControl {
  const [hits, setHits] = useState<Hits>(NO_HITS);
  const ringFor = useRef(onNew);
  ringFor.current = onNew;
  const seen = useRef(new Set<string>());
  const channel = useRef<BroadcastChannel | null>(null);

  const remove = useCallback((id: string | null) => {
    setHits((now) => (id === null ? NO_HITS : withoutHit(now, id)));
  }, []);
  const dismiss = useCallback(
    (id: string | null) => {
      remove(id);
      channel.current?.postMessage(id);
    },
    [remove],
  );

  useEffect(() => {
    const opened = new BroadcastChannel(CHANNEL);
    opened.onmessage = (event: MessageEvent<string | null>) => remove(event.data);
    channel.current = opened;
    return () => opened.close();
  }, [remove]);

  useEffect(() => {
    if (!isOn) return undefined;
    const ending = new AbortController();
    const take = (message: ServerMessage) => {
      if (message.event === "gap" || message.event === "summary") {
        setHits((now) => ({ ...now, isIncomplete: true }));
      }
      if (message.event !== "match") return;
      const { match }: Schemas["FeedMatchMessage"] = JSON.parse(message.data);
      if (!seen.current.has(match.id)) {
        seen.current.add(match.id);
        setHits((now) => withHit(now, match));
        ringFor.current(match);
      } else setHits((now) => replaced(now, match));
    };
    subscribe("/v1/watches/feed", {}, ending.signal, take, () => undefined).catch(
      (error: unknown) => {
        if (!(error instanceof ApiProblem)) throw error;
        // No hit arrives any more, which the list must not hide.
        setHits((now) => ({ ...now, isIncomplete: true }));
      },
    );
    return () => ending.abort();
  }, [isOn]);

  return { hits, dismiss };
}

/** Return the hits with a later form of one; a dismissed hit does not come back. */
function replaced(hits: Hits, match: WatchMatch): Hits {
  return hits.shown.some((one) => one.id === match.id) ? withHit(hits, match) : hits;
}
