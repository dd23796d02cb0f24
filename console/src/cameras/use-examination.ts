// Examines the recordings of a range for gaps that no node has logged, page by page.
import { useEffect, useRef, useState } from "preact/hooks";
import { api, type CameraView, result, type Schemas } from "../api/client.ts";
import { type Failure, failureOf, isAborted } from "../api/problem.ts";

export interface ExaminedRange {
  fromMs: number;
  toMs: number;
  area: string;
  class: CameraView["class"] | "";
}

export interface Examination {
  phase: "idle" | "running" | "done";
  pages: readonly Schemas["OutageList"][];
  failure: Failure | null;
  begin: () => void;
}

type Progress = Pick<Examination, "phase" | "pages" | "failure">;

const NOTHING: Progress = { phase: "idle", pages: [], failure: null };

/** Each page costs the nodes a look at the folders of its cameras, so a person begins it. */
export function useExamination(range: ExaminedRange, language: string): Examination {
  const [progress, setProgress] = useState(NOTHING);
  const ending = useRef<AbortController | null>(null);
  const { fromMs, toMs, area, class: class_ } = range;
  useEffect(() => {
    setProgress(NOTHING);
    return () => ending.current?.abort();
  }, [fromMs, toMs, area, class_, language]);
  const begin = async () => {
    ending.current?.abort();
    const begun = new AbortController();
    ending.current = begun;
    const { signal } = begun;
    const pages: Schemas["OutageList"][] = [];
    setProgress({ ...NOTHING, phase: "running" });
    try {
      for (let next: string | null | undefined; next !== null; ) {
        const page = await readPage(range, next, signal);
        pages.push(page);
        next = page.next;
        setProgress({ phase: "running", pages: [...pages], failure: null });
      }
      setProgress({ phase: "done", pages, failure: null });
    } catch (error) {
      if (!isAborted(error)) setProgress({ phase: "idle", pages: [], failure: failureOf(error) });
    }
  };
  return { ...progress, begin: () => void begin() };
}

function readPage(
  { fromMs, toMs, area, class: class_ }: ExaminedRange,
  next: string | undefined,
  signal: AbortSignal,
): Promise<Schemas["OutageList"]> {
  const query = {
    from: new Date(fromMs).toISOString(),
    to: new Date(toMs).toISOString(),
    unknown: true,
    ...(area === "" ? {} : { area }),
    ...(class_ === "" ? {} : { class: class_ }),
    ...(next === undefined ? {} : { next }),
  };
  return result(api.GET("/v1/outages", { params: { query }, signal }));
}
