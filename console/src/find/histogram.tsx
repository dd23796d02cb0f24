// The number of results over time. A drag, or the keyboard, chooses a part of it.
import { useEffect, useState } from "preact/hooks";
import { api, result, type Schemas } from "../api/client.ts";
import { type Failure, failureOf, isAborted } from "../api/problem.ts";
import { useConsole, useTimes } from "../shell/console-context.ts";
import {
  type Buckets,
  barHeights,
  bucketAt,
  rangeOfSelection,
  type Selection,
  selectionOf,
} from "./histogram-range.ts";
import { apiQueryOf, type Search } from "./search.ts";

type HistogramView = Schemas["HistogramView"];

const BUCKETS = 60;

interface HistogramProps {
  search: Search;
  onRange: (range: { fromMs: number; toMs: number }) => void;
}

export function Histogram({ search, onRange }: HistogramProps) {
  const { texts } = useConsole();
  const time = useTimes();
  const { view, failure } = useHistogram(search);
  return (
    <figure class="histogram">
      <figcaption>
        <strong>{texts.histogram.title}</strong>
        {view !== null && <span>{texts.histogram.total(view.total, view.exact)}</span>}
        {view?.whole_from && <span>{texts.histogram.incomplete(time(view.whole_from))}</span>}
        {failure !== null && <span role="alert">{failure.message}</span>}
        <span class="quiet hint">{texts.histogram.hint}</span>
      </figcaption>
      <div class="histogram-space">
        {view !== null && <Bars key={view.from} buckets={bucketsOf(view)} onRange={onRange} />}
      </div>
    </figure>
  );
}

function useHistogram(search: Search): { view: HistogramView | null; failure: Failure | null } {
  const [view, setView] = useState<HistogramView | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  useEffect(() => {
    const ending = new AbortController();
    const { order: _, ...filters } = apiQueryOf(search);
    const query = { ...filters, buckets: BUCKETS };
    setFailure(null);
    result(api.GET("/v1/events/histogram", { params: { query }, signal: ending.signal })).then(
      setView,
      (error: unknown) => {
        if (isAborted(error)) return;
        setView(null);
        setFailure(failureOf(error));
      },
    );
    return () => ending.abort();
  }, [search]);
  return { view, failure };
}

function bucketsOf(view: HistogramView): Buckets {
  return {
    fromMs: Date.parse(view.from),
    bucketMs: 1000 * view.bucket_s,
    counts: view.counts,
  };
}

/** The bars. To the keyboard and to screen readers they are a slider with one step a bar. */
function Bars({ buckets, onRange }: { buckets: Buckets; onRange: HistogramProps["onRange"] }) {
  const { texts } = useConsole();
  const time = useTimes();
  const [anchor, setAnchor] = useState(0);
  const [cursor, setCursor] = useState(0);
  const [isDragging, setDragging] = useState(false);
  const [isFocused, setFocused] = useState(false);
  const heights = barHeights(buckets.counts);
  const selection = selectionOf(anchor, cursor);
  const range = rangeOfSelection(buckets, selection);
  const count = sum(buckets.counts, selection);

  const bucketOf = (event: PointerEvent & { currentTarget: HTMLElement }) => {
    const box = event.currentTarget.getBoundingClientRect();
    return bucketAt(buckets, (event.clientX - box.left) / box.width);
  };
  const pressKey = (event: KeyboardEvent) => {
    const next = keyTarget(event.key, cursor, buckets.counts.length);
    if (event.key === "Enter") onRange(range);
    else if (next === null) return;
    else {
      setCursor(next);
      if (!event.shiftKey) setAnchor(next);
    }
    event.preventDefault();
  };

  return (
    <div
      class="bars"
      role="slider"
      tabIndex={0}
      aria-label={texts.histogram.title}
      aria-valuemin={0}
      aria-valuemax={buckets.counts.length - 1}
      aria-valuenow={cursor}
      aria-valuetext={texts.histogram.bucket(count, time(range.fromMs), time(range.toMs))}
      onKeyDown={pressKey}
      onFocus={() => setFocused(true)}
      onBlur={() => setFocused(false)}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        setDragging(true);
        setAnchor(bucketOf(event));
        setCursor(bucketOf(event));
      }}
      onPointerMove={(event) => isDragging && setCursor(bucketOf(event))}
      onPointerUp={() => {
        setDragging(false);
        onRange(range);
      }}
      onPointerCancel={() => setDragging(false)}
    >
      {heights.map((height, index) => (
        <span
          key={index}
          class={isSelected(index) ? "bar selected" : "bar"}
          style={{ "--height": `${100 * height}%` }}
        />
      ))}
      {(isDragging || isFocused) && (
        <output class="bars-text">
          {texts.histogram.bucket(count, time(range.fromMs), time(range.toMs))}
        </output>
      )}
    </div>
  );

  function isSelected(index: number): boolean {
    return (isDragging || isFocused) && index >= selection.first && index <= selection.last;
  }
}

function keyTarget(key: string, cursor: number, count: number): number | null {
  const targets: Readonly<Record<string, number>> = {
    ArrowLeft: Math.max(0, cursor - 1),
    ArrowRight: Math.min(count - 1, cursor + 1),
    Home: 0,
    End: count - 1,
  };
  return targets[key] ?? null;
}

function sum(counts: readonly number[], { first, last }: Selection): number {
  return counts.slice(first, last + 1).reduce((total, count) => total + count, 0);
}
