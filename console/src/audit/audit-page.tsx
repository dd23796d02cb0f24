// Audit: who read or changed what, when, and for which reason.
import type { TargetedSubmitEvent } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { TimeFields } from "../find/time-fields.tsx";
import { hasRight, useConsole, useSiteTimesIn, useTimes } from "../shell/console-context.ts";
import { navigate } from "../shell/route.ts";
import { optionsWithAll, Select } from "../shell/select.tsx";
import { Empty, Failed, Loading, NoRight } from "../shell/states.tsx";
import { VirtualRows } from "../shell/virtual-rows.tsx";
import {
  type AuditQuery,
  apiFiltersOf,
  EMPTY_QUERY,
  OUTCOMES,
  outcomeOf,
  queryOf,
  TEXT_FILTERS,
  termsText,
} from "./audit-query.ts";
import { type AuditLine, useAuditLines } from "./use-audit-lines.ts";

const ROW_PX = 48;

export function AuditPage({ parameters }: { parameters: URLSearchParams }) {
  const { session } = useConsole();
  if (!hasRight(session, "audit_read")) return <NoRight right="audit_read" />;
  return <Audit address={parameters.toString()} />;
}

function Audit({ address }: { address: string }) {
  const { texts } = useConsole();
  const query = useMemo(() => queryOf(new URLSearchParams(address)), [address]);
  const { lines, damaged, isLoading, hasMore, failure, loadMore, reload } = useAuditLines(query);
  const open = (next: AuditQuery) =>
    navigate("audit", new URLSearchParams(Object.entries(apiFiltersOf(next))));
  return (
    <div class="find">
      <AuditForm query={query} onQuery={open} />
      <p role="status">{texts.audit.shown(lines.length, !hasMore)}</p>
      {damaged.length > 0 && <p class="notice">{texts.audit.damaged(damaged.join(", "))}</p>}
      {failure !== null && <Failed failure={failure} onRetry={reload} />}
      {lines.length === 0 && failure === null && (isLoading || hasMore) && <Loading />}
      {lines.length === 0 && failure === null && !isLoading && !hasMore && (
        <Empty title={texts.audit.empty} />
      )}
      {lines.length > 0 && <Lines lines={lines} onEnd={loadMore} />}
    </div>
  );
}

function AuditForm({
  query,
  onQuery,
}: {
  query: AuditQuery;
  onQuery: (query: AuditQuery) => void;
}) {
  const { texts } = useConsole();
  const [draft, setDraft] = useState(query);
  useEffect(() => setDraft(query), [query]);
  const change = (changed: Partial<AuditQuery>) => setDraft({ ...draft, ...changed });
  const submit = (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    onQuery(draft);
  };
  return (
    <form class="search" onSubmit={submit}>
      <div class="filter-fields">
        {TEXT_FILTERS.map((name) => (
          <label key={name} class="field">
            <span>{texts.audit.filters[name]}</span>
            <input
              name={name}
              value={draft[name]}
              autocomplete="off"
              onInput={(event) => change({ [name]: event.currentTarget.value })}
            />
          </label>
        ))}
        <Select
          label={texts.audit.outcome}
          value={draft.outcome}
          options={optionsWithAll(texts.find.all, OUTCOMES, texts.audit.outcomes)}
          onChange={(outcome) => change({ outcome })}
        />
        <TimeFields fromMs={draft.fromMs} toMs={draft.toMs} onChange={change} />
      </div>
      <div class="row">
        <button type="submit" class="primary">
          {texts.find.search}
        </button>
        <button type="button" onClick={() => onQuery(EMPTY_QUERY)}>
          {texts.find.clear}
        </button>
      </div>
    </form>
  );
}

function Lines({ lines, onEnd }: { lines: readonly AuditLine[]; onEnd: () => void }) {
  const { texts } = useConsole();
  const scroller = useRef<HTMLElement>(null);
  const { columns } = texts.audit;
  return (
    <>
      <div class="audit-line line-head" aria-hidden="true">
        <span>{columns.time}</span>
        <span>{columns.person}</span>
        <span>{columns.call}</span>
        <span>{columns.terms}</span>
        <span>{columns.reason}</span>
        <span>{columns.outcome}</span>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: without a focus, keys could not scroll it */}
      <section ref={scroller} class="results" aria-label={texts.places.audit} tabIndex={0}>
        <VirtualRows
          scroller={scroller}
          count={lines.length}
          rowHeightPx={ROW_PX}
          visibleRow={null}
          onEnd={onEnd}
          row={(index) => {
            const line = lines[index];
            return line === undefined ? null : <Line line={line} />;
          }}
        />
      </section>
    </>
  );
}

function Line({ line }: { line: AuditLine }) {
  const { texts } = useConsole();
  const time = useTimes();
  const outcome = outcomeOf(line);
  const why = [line.reason, line.case].filter(Boolean).join(texts.list);
  const terms = useSiteTimesIn()(termsText(line.terms));
  return (
    <div class="audit-line">
      <time dateTime={line.at}>{time(line.at)}</time>
      <span class="cut" title={line.address}>
        {line.person || line.address}
      </span>
      <span class="cut">{line.route}</span>
      <span class="cut" title={terms}>
        {terms}
      </span>
      <span class="cut" title={why}>
        {why}
      </span>
      <span class={["refused", "failed"].includes(outcome) ? "state-bad" : ""}>
        {texts.audit.outcomes[outcome]} {line.status ?? ""}
      </span>
    </div>
  );
}
