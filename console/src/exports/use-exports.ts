// The exports that the person may see. They are read again while one is being made.
import { useCallback, useEffect, useState } from "preact/hooks";
import { allItems, api, result, type Schemas } from "../api/client.ts";
import { type Failure, failureOf } from "../api/problem.ts";

export type ExportView = Schemas["ExportView"];

const REFRESH_MS = 2_000;

export interface Exports {
  items: readonly ExportView[] | null;
  failure: Failure | null;
  reload: () => void;
}

/** Read the exports, and again in another `language`: their causes are sentences of the API. */
export function useExports(language: string): Exports {
  const [items, setItems] = useState<readonly ExportView[] | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [turn, setTurn] = useState(0);
  const reload = useCallback(() => setTurn((last) => last + 1), []);
  useEffect(() => {
    let isCurrent = true;
    let timer = 0;
    readExports().then(
      (read) => {
        if (!isCurrent) return;
        setItems(read);
        setFailure(null);
        if (read.some(isBeingMade)) timer = window.setTimeout(reload, REFRESH_MS);
      },
      (error: unknown) => {
        if (isCurrent) setFailure(failureOf(error));
      },
    );
    return () => {
      isCurrent = false;
      window.clearTimeout(timer);
    };
  }, [turn, language, reload]);
  return { items, failure, reload };
}

/** Return whether the recordings of an export are still being read. */
export function isBeingMade(one: ExportView): boolean {
  return one.state === "waiting" || one.state === "reading";
}

function readExports(): Promise<ExportView[]> {
  return allItems((next) => {
    const query = { limit: 500, ...(next === undefined ? {} : { next }) };
    return result(api.GET("/v1/exports", { params: { query } }));
  });
}
