// The form of a search. Nothing is sent before it is submitted: each search is in the audit log.
import { useEffect, useRef, useState } from "preact/hooks";
import { Choices } from "../shell/choices.tsx";
import { useConsole } from "../shell/console-context.ts";
import { optionsWithAll, Select } from "../shell/select.tsx";
import { useSingleKey } from "../shell/shell.tsx";
import { PRESETS } from "../time/presets.ts";
import { CameraField } from "./camera-field.tsx";
import { PlaceField } from "./place-field.tsx";
import { PlateBox } from "./plate-box.tsx";
import {
  CLASSES,
  COLORS,
  DIRECTIONS,
  EMPTY_SEARCH,
  filterCount,
  KINDS,
  ORDERS,
  parametersOf,
  type Search,
} from "./search.ts";
import { TimeEnds, TimePresets } from "./time-fields.tsx";

interface SearchFormProps {
  search: Search;
  onSearch: (search: Search) => void;
  /** The form differs from the search whose results are shown, or no longer does. */
  onChanged: (isChanged: boolean) => void;
}

export function SearchForm({ search, onSearch, onChanged }: SearchFormProps) {
  const { texts, preferences } = useConsole();
  const [draft, setDraft] = useState(search);
  const plate = useRef<HTMLInputElement>(null);
  useEffect(() => setDraft(search), [search]);
  useSingleKey("/", preferences.hasSingleKeys, () => plate.current?.focus());
  const change = (changed: Partial<Search>) => setDraft({ ...draft, ...changed });
  const isChanged = parametersOf(draft).toString() !== parametersOf(search).toString();
  useEffect(() => onChanged(isChanged), [isChanged, onChanged]);
  return (
    <search>
      <form
        class="search"
        onSubmit={(event) => {
          event.preventDefault();
          onSearch(draft);
        }}
      >
        <PlateBox
          input={plate}
          plate={draft.plate}
          fuzzy={draft.fuzzy}
          onPlate={(text) => change({ plate: text })}
          onFuzzy={(fuzzy) => change({ fuzzy })}
        >
          <button type="submit" class="primary">
            {texts.find.search}
          </button>
          <button type="button" onClick={() => onSearch(EMPTY_SEARCH)}>
            {texts.find.clear}
          </button>
        </PlateBox>
        <QuickFilters draft={draft} change={change} />
        {isChanged && (
          <p class="hint unsearched" role="status">
            {texts.find.unsearched}
          </p>
        )}
        <details class="filters">
          <summary>{texts.find.filters(filterCount(draft))}</summary>
          <Filters draft={draft} change={change} />
        </details>
      </form>
    </search>
  );
}

/** Frequent filters other than the plate, by one click each. */
function QuickFilters({ draft, change }: FiltersProps) {
  const { find } = useConsole().texts;
  return (
    <>
      <TimePresets fromMs={draft.fromMs} toMs={draft.toMs} presets={PRESETS} onChange={change} />
      <div class="row">
        <Choices
          label={find.color}
          chosen={draft.color || null}
          choices={COLORS.map((color) => [color, <ColorText key={color} color={color} />] as const)}
          onChoose={(color) => change({ color: color ?? "" })}
        />
        <PlaceField search={draft} onChange={change} />
      </div>
    </>
  );
}

function ColorText({ color }: { color: (typeof COLORS)[number] }) {
  return (
    <>
      <span class={`swatch swatch-${color}`} aria-hidden="true" />
      {useConsole().texts.find.colors[color]}
    </>
  );
}

interface FiltersProps {
  draft: Search;
  change: (changed: Partial<Search>) => void;
}

function Filters(props: FiltersProps) {
  const { draft, change } = props;
  const { texts, areas } = useConsole();
  const { find } = texts;
  return (
    <div class="filter-fields">
      <TimeEnds fromMs={draft.fromMs} toMs={draft.toMs} onChange={change} />
      <Select
        label={find.kind}
        value={draft.kind}
        options={optionsWithAll(find.all, KINDS, find.kinds)}
        onChange={(kind) => change({ kind })}
      />
      <Select
        label={find.area}
        value={draft.area}
        options={[["", find.all], ...optionsOfAreas(areas)]}
        onChange={(area) => change({ area })}
      />
      <Select
        label={find.class}
        value={draft.class}
        options={optionsWithAll(find.all, CLASSES, find.classes)}
        onChange={(class_) => change({ class: class_ })}
      />
      <CameraField camera={draft.camera} onChange={(camera) => change({ camera })} />
      <Select
        label={find.direction}
        value={draft.direction}
        options={optionsWithAll(find.all, DIRECTIONS, find.directions)}
        onChange={(direction) => change({ direction })}
      />
      <Select
        label={find.order}
        value={draft.order}
        options={ORDERS.map((order) => [order, find.orders[order]] as const)}
        onChange={(order) => change({ order })}
      />
    </div>
  );
}

/** Return the areas as options, each indented below the area that it is in. */
export function optionsOfAreas(
  areas: readonly { id: string; name: string }[],
): (readonly [id: string, text: string])[] {
  return areas.map(({ id, name }) => {
    const depth = id.split("/").length - 1;
    return [id, "\u2003".repeat(depth) + name] as const;
  });
}
