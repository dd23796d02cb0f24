// Find: one search with its address, and its results as cards, as a table, over time, on paper.
import { useEffect, useMemo, useState } from "preact/hooks";
import { parametersOf as journeyParameters } from "../journeys/journey-query.ts";
import { hasRight, useConsole } from "../shell/console-context.ts";
import { lazy } from "../shell/lazy.tsx";
import { addressOf, navigate } from "../shell/route.ts";
import { Select } from "../shell/select.tsx";
import { useSingleKey } from "../shell/shell.tsx";
import { NoRight } from "../shell/states.tsx";
import { EventDialog } from "./event-dialog.tsx";
import { Histogram } from "./histogram.tsx";
import { LinkedEvent } from "./linked-event.tsx";
import { plateOf } from "./plate-badge.tsx";
import { PrintList } from "./print-list.tsx";
import type { Results } from "./reading.ts";
import { ResultsList } from "./results-list.tsx";
import { ResultsTime } from "./results-time.tsx";
import { parametersOf, type Search, searchOf } from "./search.ts";
import { SearchForm } from "./search-form.tsx";
import { UnanalysedNotice } from "./unanalysed-notice.tsx";
import { useResults } from "./use-results.ts";

const ResultsMap = lazy(async () => (await import("./results-map.tsx")).ResultsMap);
const VIEWS = ["cards", "table", "map", "time"] as const;
type View = (typeof VIEWS)[number];

export function FindPage({ parameters }: { parameters: URLSearchParams }) {
  const { session } = useConsole();
  if (!hasRight(session, "events_read")) return <NoRight right="events_read" />;
  return <Find address={parameters.toString()} />;
}

function Find({ address }: { address: string }) {
  const { texts, preferences, session } = useConsole();
  const parameters = useMemo(() => new URLSearchParams(address), [address]);
  // Another view is the same search, which is not sent again.
  const filters = parametersOf(searchOf(parameters)).toString();
  const search = useMemo(() => searchOf(new URLSearchParams(filters)), [filters]);
  const { results, loadMore, reload, replace } = useResults(search);
  const [opened, setOpened] = useState<number | null>(null);
  const [isPrinting, setPrinting] = useState(false);
  const [isOutdated, setOutdated] = useState(false);
  const linked = parameters.get("event");
  const view = VIEWS.find((name) => name === parameters.get("view")) ?? "cards";

  const open = (next: Search, inView: View) => {
    const changed = parametersOf(next);
    if (inView !== "cards") changed.set("view", inView);
    navigate("find", changed);
  };
  const toggle = () => open(search, view === "cards" ? "table" : "cards");
  useSingleKey("t", preferences.hasSingleKeys, toggle);
  useEffect(() => setOpened(null), [search]);
  useEffect(() => {
    if (!isPrinting) return;
    window.print();
    setPrinting(false);
  }, [isPrinting]);

  const plate = onlyPlate(results);
  const shown = opened === null ? undefined : results.found[opened];
  const step = (by: number) => {
    const next = (opened ?? 0) + by;
    return next >= 0 && next < results.found.length ? () => setOpened(next) : null;
  };
  return (
    <div class="find">
      <SearchForm search={search} onSearch={(next) => open(next, view)} onChanged={setOutdated} />
      <Histogram search={search} onRange={(range) => open({ ...search, ...range }, view)} />
      <div class="row results-bar">
        <p role="status">{texts.find.shown(results.found.length, !results.hasMore)}</p>
        <Select
          label={texts.find.view}
          value={view}
          options={VIEWS.map((name) => [name, texts.find.views[name]] as const)}
          onChange={(chosen) => open(search, chosen)}
        />
        <button type="button" onClick={() => setPrinting(true)}>
          {texts.find.print}
        </button>
        {plate !== "" && (
          <a class="button" href={addressOf("journeys", journeyOfResults(plate, search))}>
            {texts.event.follow}
          </a>
        )}
        {search.plate !== "" && hasRight(session, "watches") && (
          <a
            class="button"
            href={addressOf("watches", new URLSearchParams({ plate: search.plate }))}
          >
            {texts.watches.tellMe}
          </a>
        )}
        {results.fresh > 0 && (
          <button type="button" class="primary" onClick={reload}>
            {texts.find.showNew(results.fresh)}
          </button>
        )}
        {results.isLoading && results.found.length > 0 && <span>{texts.find.loadingMore}</span>}
      </div>
      <UnanalysedNotice view={results.unanalysed} />
      <div class={isOutdated ? "results-area outdated" : "results-area"}>
        <ResultsArea
          {...{ search, results, view, loadMore, reload }}
          onOpen={setOpened}
          onSearch={(changed) => open({ ...search, ...changed }, view)}
        />
      </div>
      {shown && (
        <EventDialog
          found={shown}
          onCorrected={replace}
          onClose={() => setOpened(null)}
          onPrevious={step(-1)}
          onNext={step(1)}
        />
      )}
      {linked !== null && shown === undefined && (
        <LinkedEvent key={linked} id={linked} onClose={() => open(search, view)} />
      )}
      {isPrinting && <PrintList search={search} found={results.found} />}
    </div>
  );
}

/** Return the plate that all results have; empty if there are others, or may be. */
function onlyPlate({ found, hasMore }: Results): string {
  const plates = new Set(found.map(({ event }) => plateOf(event)));
  const [only = ""] = plates;
  return plates.size === 1 && !hasMore ? only : "";
}

/** Return the journey of a plate in the time of a search. */
function journeyOfResults(plate: string, { fromMs, toMs }: Search): URLSearchParams {
  return journeyParameters({ plate, fuzzy: false, fromMs, toMs });
}

interface ResultsAreaProps {
  search: Search;
  results: Results;
  view: View;
  onOpen: (index: number) => void;
  onSearch: (changed: Partial<Search>) => void;
  loadMore: () => void;
  reload: () => void;
}

/** The list of results; with a map or a time line, to which it is linked by hovering. */
function ResultsArea(props: ResultsAreaProps) {
  const { search, results, view, onOpen, onSearch, loadMore, reload } = props;
  const [pointed, setPointed] = useState<string | null>(null);
  const list = { results, onOpen, loadMore, reload, highlighted: pointed };
  const [pointedEvent, setPointedEvent] = useState<string | null>(null);
  if (view === "cards" || view === "table") return <ResultsList {...list} view={view} />;
  const pointAt = (index: number | null) => {
    const event = index === null ? undefined : results.found[index]?.event;
    setPointed(event?.camera ?? null);
    setPointedEvent(event?.id ?? null);
  };
  const point = (event: Event) => {
    const item = event.target instanceof Element ? event.target.closest("[data-index]") : null;
    const index = Number(item?.getAttribute("data-index") ?? Number.NaN);
    pointAt(Number.isNaN(index) ? null : index);
  };
  return (
    <div class={view === "map" ? "results-with-map" : "results-over-time"}>
      {view === "time" && results.found.length > 0 && (
        <ResultsTime
          found={results.found}
          pointedEvent={pointedEvent}
          highlighted={pointed}
          onHover={pointAt}
          onOpen={onOpen}
        />
      )}
      <div onPointerOver={point} onFocusIn={point} onPointerLeave={() => pointAt(null)}>
        <ResultsList {...list} view="cards" />
      </div>
      {view === "map" && (
        <ResultsMap
          {...{ search, onOpen, onSearch }}
          found={results.found}
          highlighted={pointed}
          onHover={setPointed}
        />
      )}
    </div>
  );
}
