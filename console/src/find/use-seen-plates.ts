// Plates that were seen lately and continue what is typed, after a pause of the typing.
import { useEffect, useState } from "preact/hooks";
import { api, result } from "../api/client.ts";
import { ApiProblem, isAborted, Offline } from "../api/problem.ts";
import { isWorthSuggesting } from "./plate.ts";

/** Each list is a request and a line of the audit log, so not every letter asks for one. */
const PAUSE_MS = 400;

export function useSeenPlates(typed: string): readonly string[] {
  const [plates, setPlates] = useState<readonly string[]>([]);
  useEffect(() => {
    setPlates([]);
    if (!isWorthSuggesting(typed)) return undefined;
    const ending = new AbortController();
    const ask = async () => {
      const query = { start: typed.trim(), limit: 6 };
      const { signal } = ending;
      try {
        const found = await result(api.GET("/v1/plates", { params: { query }, signal }));
        setPlates(found.items.map(({ plate }) => plate));
      } catch (error) {
        if (isAborted(error) || error instanceof Offline) return;
        // Without suggestions a search is still possible, and says itself why it is refused.
        if (!(error instanceof ApiProblem)) throw error;
      }
    };
    const timer = setTimeout(() => void ask(), PAUSE_MS);
    return () => {
      clearTimeout(timer);
      ending.abort();
    };
  }, [typed]);
  return plates;
}
