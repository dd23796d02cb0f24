// A list of the API that a page shows as a whole, and reads again after a change.
import { useCallback, useEffect, useState } from "preact/hooks";
import { type Failure, failureOf } from "../api/problem.ts";

export interface List<Item> {
  /** Null until it is read. */
  items: readonly Item[] | null;
  failure: Failure | null;
  reload: () => void;
}

/** Read a list at once and after each `reload`. `read` must stay the same while the list does. */
export function useList<Item>(read: () => Promise<readonly Item[]>): List<Item> {
  const [items, setItems] = useState<readonly Item[] | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [round, setRound] = useState(0);
  useEffect(() => {
    let isCurrent = true;
    read().then(
      (found) => {
        if (!isCurrent) return;
        setItems(found);
        setFailure(null);
      },
      (error: unknown) => {
        if (isCurrent) setFailure(failureOf(error));
      },
    );
    return () => {
      isCurrent = false;
    };
  }, [read, round]);
  const reload = useCallback(() => setRound((now) => now + 1), []);
  return { items, failure, reload };
}
