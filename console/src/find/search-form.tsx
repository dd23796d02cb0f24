// The form of a search. Nothing is sent before it is submitted: each search is in the audit log.
import { useEffect, useRef, useState } from "preact/hooks";
import { useConsole } from "../shell/console-context.ts";
import { optionsWithAll, Select } from "../shell/select.tsx";
import { useSingleKey } from "../shell/shell.tsx";
import { CameraField } from "./camera-field.tsx";
import { PlateBox } from "./plate-box.tsx";
import {
  CLASSES,
  COLORS,
  DIRECTIONS,
  EMPTY_SEARCH,
  filterCount,
  KINDS,
  ORDERS,
  type Search,
} from "./search.ts";
import { TimeFields } from "./time-fields.tsx";

interface SearchFormProps {
  search: Search;
  onSearch: (search: Search) => void;
}

export function SearchForm({ search, onSearch }: SearchFormProps) {
  const { texts, preferences } = useConsole();
  const [draft, setDraft] = useState(search);
  const plate = useRef<HTMLInputElement>(null);
  useEffect(() => setDraft(search), [search]);
  useSingleKey("/", preferences.hasSingleKeys, () => plate.current?.focus());
  const change = (changed: Partial<Search>) => setDraft({ ...draft, ...changed });
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
        <details class="filters">
          <summary>{texts.find.filters(filterCount(draft))}</summary>
          <Filters draft={draft} change={change} />
        </details>
      </form>
    </search>
  );
}

function Filters(props: { draft: Search; change: (changed: Partial<Search>) => void }) {
  const { texts, areas } = useConsole();
  const { find } = texts;
  const { draft, change } = props;
  return (
    <div class="filter-fields">
      <TimeFields fromMs={draft.fromMs} toMs={draft.toMs} onChange={change} />
      <Select
        label={find.kind}
        value={draft.kind}
        options={optionsWithAll(find.all, KINDS, find.kinds)}
        onChange={(kind) => change({ kind })}
      />
      <Select
        label={find.area}
        value={draft.area}
        options={[["", find.all], ...areas.map((area) => [area.id, indented(area)] as const)]}
        onChange={(area) => change({ area })}
      />
      <Select
        label={find.class}
        value={draft.class}
        options={optionsWithAll(find.all, CLASSES, find.classes)}
        onChange={(class_) => change({ class: class_ })}
      />
      <Select
        label={find.color}
        value={draft.color}
        options={optionsWithAll(find.all, COLORS, find.colors)}
        onChange={(color) => change({ color })}
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

/** Return the name of an area, indented below the area that it is in. */
function indented(area: { id: string; name: string }): string {
  return "\u2003".repeat(area.id.split("/").length - 1) + area.name;
}
