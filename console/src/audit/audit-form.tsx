// The filters of the audit log: plate, person, camera, kind and time first, and the others below.
import type { TargetedSubmitEvent } from "preact";
import { useEffect, useState } from "preact/hooks";
import { CameraField } from "../find/camera-field.tsx";
import { TimeEnds, TimePresets } from "../find/time-fields.tsx";
import { Choices } from "../shell/choices.tsx";
import { useConsole } from "../shell/console-context.ts";
import { optionsWithAll, Select } from "../shell/select.tsx";
import { PRESETS } from "../time/presets.ts";
import {
  type AuditQuery,
  apiFiltersOf,
  EMPTY_QUERY,
  KINDS,
  OUTCOMES,
  type TextFilter,
} from "./audit-query.ts";

interface FormProps {
  query: AuditQuery;
  onQuery: (query: AuditQuery) => void;
  /** The form differs from the query whose lines are shown, or no longer does. */
  onChanged: (isChanged: boolean) => void;
}

interface DraftProps {
  draft: AuditQuery;
  change: (changed: Partial<AuditQuery>) => void;
}

export function AuditForm({ query, onQuery, onChanged }: FormProps) {
  const { texts } = useConsole();
  const [draft, setDraft] = useState(query);
  useEffect(() => setDraft(query), [query]);
  const change = (changed: Partial<AuditQuery>) => setDraft({ ...draft, ...changed });
  const isChanged = JSON.stringify(apiFiltersOf(draft)) !== JSON.stringify(apiFiltersOf(query));
  useEffect(() => onChanged(isChanged), [isChanged, onChanged]);
  const submit = (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    onQuery(draft);
  };
  return (
    <form class="search" onSubmit={submit}>
      <div class="row audit-form">
        <TextField name="plate" {...{ draft, change }} />
        <TextField name="person" {...{ draft, change }} />
        <CameraFilter {...{ draft, change }} />
        <TextField name="case" {...{ draft, change }} />
        <button type="submit" class="primary">
          {texts.find.search}
        </button>
        <button type="button" onClick={() => onQuery(EMPTY_QUERY)}>
          {texts.find.clear}
        </button>
      </div>
      <Choices
        label={texts.audit.kind}
        chosen={draft.kind || null}
        choices={KINDS.map((kind) => [kind, texts.audit.kinds[kind]] as const)}
        onChoose={(kind) => change({ kind: kind ?? "" })}
      />
      <TimePresets fromMs={draft.fromMs} toMs={draft.toMs} presets={PRESETS} onChange={change} />
      {isChanged && (
        <p class="hint unsearched" role="status">
          {texts.find.unsearched}
        </p>
      )}
      <details class="filters" open={hasRareFilter(query)}>
        <summary>{texts.audit.more}</summary>
        <RareFilters {...{ draft, change }} />
      </details>
    </form>
  );
}

function RareFilters({ draft, change }: DraftProps) {
  const { texts } = useConsole();
  return (
    <div class="filter-fields">
      <TimeEnds fromMs={draft.fromMs} toMs={draft.toMs} onChange={change} />
      <Select
        label={texts.audit.filters.call}
        value={draft.call}
        options={callOptions(texts.find.all, texts.auditCalls, draft.call)}
        onChange={(call) => change({ call })}
      />
      <Select
        label={texts.audit.outcome}
        value={draft.outcome}
        options={optionsWithAll(texts.find.all, OUTCOMES, texts.audit.outcomes)}
        onChange={(outcome) => change({ outcome })}
      />
      <TextField name="event" {...{ draft, change }} />
    </div>
  );
}

/** Return the calls by their names; those with one name are told apart by their terms. */
function callOptions(
  all: string,
  calls: Readonly<Record<string, string>>,
  chosen: string,
): (readonly [string, string])[] {
  const names = Object.entries(calls);
  if (chosen !== "" && !(chosen in calls)) names.push([chosen, chosen]);
  const isShared = (name: string) => names.filter(([, other]) => other === name).length > 1;
  return [
    ["", all],
    ...names
      .map(([term, name]) => [term, isShared(name) ? `${name} (${term})` : name] as const)
      .sort(([, one], [, other]) => one.localeCompare(other)),
  ];
}

/** By name for people who may see the cameras, and by id for the others. */
function CameraFilter({ draft, change }: DraftProps) {
  const { cameras } = useConsole();
  if (cameras.size === 0) return <TextField name="camera" {...{ draft, change }} />;
  return (
    <CameraField camera={draft.camera} onChange={(camera) => change({ camera })} takesFormer />
  );
}

function TextField({ name, draft, change }: DraftProps & { name: TextFilter }) {
  const { texts } = useConsole();
  return (
    <label class="field">
      <span>{texts.audit.filters[name]}</span>
      <input
        name={name}
        value={draft[name]}
        autocomplete="off"
        onInput={(event) => change({ [name]: event.currentTarget.value })}
      />
    </label>
  );
}

function hasRareFilter({ event, call, outcome }: AuditQuery): boolean {
  return [event, call, outcome].some((value) => value !== "");
}
