// The lines of a query of the audit log, page by page.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { api, result, type Schemas } from "../api/client.ts";
import { PageReader, type PageState } from "../api/page-reader.ts";
import { type AuditQuery, apiFiltersOf } from "./audit-query.ts";

export type AuditLine = Schemas["AuditLine"];

export interface AuditLines extends PageState {
  lines: readonly AuditLine[];
  /** The damaged lines, of which only the place is known. */
  damaged: readonly string[];
}

export interface AuditLinesControl extends AuditLines {
  loadMore: () => void;
  reload: () => void;
}

/** Many lines are one action, so a page of them has many. */
const PAGE = 500;
const NONE: AuditLines = {
  lines: [],
  damaged: [],
  isLoading: true,
  hasMore: false,
  failure: null,
};

export function useAuditLines(query: AuditQuery): AuditLinesControl {
  const [lines, setLines] = useState<AuditLines>(NONE);
  const [round, setRound] = useState(0);
  const reader = useRef<PageReader | null>(null);
  useEffect(() => {
    const begun = readerOf(query, setLines);
    reader.current = begun;
    setLines(NONE);
    void begun.more();
    return () => begun.end();
  }, [query, round]);
  const loadMore = useCallback(() => void reader.current?.more(), []);
  const reload = useCallback(() => setRound((now) => now + 1), []);
  return { ...lines, loadMore, reload };
}

function readerOf(query: AuditQuery, show: (lines: AuditLines) => void): PageReader {
  let lines: AuditLine[] = [];
  let damaged: string[] = [];
  const reader = new PageReader(
    async (next, signal) => {
      const asked = { ...apiFiltersOf(query), limit: PAGE, ...(next === null ? {} : { next }) };
      const page = await result(api.GET("/v1/audit", { params: { query: asked }, signal }));
      lines = [...lines, ...page.items];
      damaged = [
        ...damaged,
        ...page.damaged.map((one) => `${one.where}:${one.number} ${one.reason}`),
      ];
      return { count: page.items.length, next: page.next };
    },
    () => show({ lines, damaged, ...reader.state }),
  );
  return reader;
}
