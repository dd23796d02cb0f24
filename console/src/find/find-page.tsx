// Find: one search with its address, and its results as cards, as a table, over time, on paper.
import { useEffect, useMemo, useState } from "preact/hooks";
import { hasRight, useConsole } from "../shell/console-context.ts";
import { navigate } from "../shell/route.ts";
import { Select } from "../shell/select.tsx";
import { useSingleKey } from "../shell/shell.tsx";
import { NoRight } from "../shell/states.tsx";
import { EventDialog } from "./event-dialog.tsx";
import { Histogram } from "./histogram.tsx";
import { PrintList } from "./print-list.tsx";
import { ResultsList, VIEWS, type View } from "./results-list.tsx";
import { parametersOf, type Search, searchOf } from "./search.ts";
import { SearchForm } from "./search-form.tsx";
import { useResults } from "./use-results.ts";

export function FindPage({ parameters }: { parameters: URLSearchParams }) {
  const { session } = useConsole();
  if (!hasRight(session, "events_read")) return <NoRight right="events_read" />;
  return <Find address={parameters.toString()} />;
}

function Find({ address }: { address: string }) {
  const { texts, preferences } = useConsole();
  const parameters = useMemo(() => new URLSearchParams(address), [address]);
  // Another view is the same search, which is not sent again.
  const filters = parametersOf(searchOf(parameters)).toString();
  const search = useMemo(() => searchOf(new URLSearchParams(filters)), [filters]);
  const { results, loadMore, reload } = useResults(search);
  const [opened, setOpened] = useState<number | null>(null);
  const [isPrinting, setPrinting] = useState(false);
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

  const shown = opened === null ? undefined : results.found[opened];
  const step = (by: number) => {
    const next = (opened ?? 0) + by;
    return next >= 0 && next < results.found.length ? () => setOpened(next) : null;
  };
  return (
    <div class="find">
      <SearchForm search={search} onSearch={(next) => open(next, view)} />
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
        {results.fresh > 0 && (
          <button type="button" class="primary" onClick={reload}>
            {texts.find.showNew(results.fresh)}
          </button>
        )}
        {results.isLoading && results.found.length > 0 && <span>{texts.find.loadingMore}</span>}
      </div>
      <ResultsList
        results={results}
        view={view}
        onOpen={setOpened}
        loadMore={loadMore}
        reload={reload}
      />
      {shown && (
        <EventDialog
          found={shown}
          onClose={() => setOpened(null)}
          onPrevious={step(-1)}
          onNext={step(1)}
        />
      )}
      {isPrinting && <PrintList search={search} found={results.found} />}
    </div>
  );
}
