// The results of a search, as a page shows them.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { EventView } from "../api/client.ts";
import { NO_RESULTS, Reading, type Results } from "./reading.ts";
import type { Search } from "./search.ts";

export interface ResultsControl {
  results: Results;
  loadMore: () => void;
  /** Send the search again, for example because there are new events. */
  reload: () => void;
  /** Show a later form of an event that is among the results. */
  replace: (event: EventView) => void;
}

export function useResults(search: Search): ResultsControl {
  const [results, setResults] = useState<Results>(NO_RESULTS);
  const [round, setRound] = useState(0);
  const reading = useRef<Reading | null>(null);

  useEffect(() => {
    const begun = new Reading(search, setResults);
    reading.current = begun;
    setResults(NO_RESULTS);
    void begun.begin();
    return () => begun.end();
  }, [search, round]);

  const loadMore = useCallback(() => void reading.current?.more(), []);
  const reload = useCallback(() => setRound((now) => now + 1), []);
  const replace = useCallback((event: EventView) => reading.current?.replace(event), []);
  return { results, loadMore, reload, replace };
}
