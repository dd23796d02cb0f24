// Cameras for the integrator: areas, filters, states with their causes, and test pictures.
import { useMemo, useRef, useState } from "preact/hooks";
import type { AreaView, CameraView } from "../api/client.ts";
import { CLASSES } from "../find/search.ts";
import { TimeEnds, TimePresets } from "../find/time-fields.tsx";
import { parametersOfWall, wallShowing } from "../live/wall.ts";
import { hasRight, useConsole, useTimes } from "../shell/console-context.ts";
import { addressOf, navigate } from "../shell/route.ts";
import { optionsWithAll, Select } from "../shell/select.tsx";
import { Empty, Failed, Loading, NoRight } from "../shell/states.tsx";
import { VirtualRows } from "../shell/virtual-rows.tsx";
import type { Preset } from "../time/presets.ts";
import { CameraDialog } from "./camera-dialog.tsx";
import {
  type CameraFilters,
  depthOf,
  EMPTY_FILTERS,
  faultyIn,
  filtersOf,
  GROUPS,
  parametersOfFilters,
  shownCameras,
  VIEWS,
} from "./camera-filters.ts";
import { CameraMap } from "./camera-map.tsx";
import { causeOf, StateMark, streamText } from "./camera-state.tsx";
import { OutageList } from "./outage-list.tsx";
import { RegistryFaults } from "./registry-faults.tsx";
import type { Cameras } from "./use-cameras.ts";

const ROW_PX = 44;
/** The wall has at most so many tiles. */
const MOST_TILES = 25;
const OUTAGE_PRESETS: readonly Preset[] = [
  "lastHour",
  "today",
  "lastNight",
  "yesterday",
  "last7Days",
];

export function CamerasPage(props: { parameters: URLSearchParams; cameras: Cameras }) {
  const { session } = useConsole();
  if (!hasRight(session, "cameras_read")) return <NoRight right="cameras_read" />;
  return <CameraList filters={filtersOf(props.parameters)} cameras={props.cameras} />;
}

function CameraList({ filters, cameras }: { filters: CameraFilters; cameras: Cameras }) {
  const { texts } = useConsole();
  const [openedId, setOpenedId] = useState<string | null>(null);
  const { area, class: class_, group, text } = filters;
  const all = useMemo(() => [...cameras.all.values()], [cameras.all]);
  const shown = useMemo(
    () => shownCameras(all, { area, class: class_, group, text }),
    [all, area, class_, group, text],
  );
  const change = (changed: Partial<CameraFilters>) =>
    navigate("cameras", parametersOfFilters({ ...filters, ...changed }), false);
  const { fromMs, toMs } = filters;
  const range = fromMs !== null && toMs !== null && fromMs < toMs ? { fromMs, toMs } : null;
  const opened = openedId === null ? undefined : cameras.all.get(openedId);
  return (
    <div class="cameras-page">
      <AreaTree areas={cameras.areas} chosen={area} onChoose={(id) => change({ area: id })} />
      <div class="cameras-main">
        <RegistryFaults />
        <FilterBar filters={filters} onChange={change} />
        {range === null && (
          <div class="row">
            <p role="status">{texts.cameras.count(shown.length, all.length)}</p>
            <WatchShown shown={shown} all={all.length} />
          </div>
        )}
        {cameras.failure !== null && <Failed failure={cameras.failure} onRetry={cameras.reload} />}
        {!cameras.isLoaded && cameras.failure === null && <Loading />}
        {cameras.isLoaded && shown.length === 0 && (
          <Empty title={all.length === 0 ? texts.cameras.none : texts.cameras.empty} />
        )}
        {range !== null && shown.length > 0 && (
          <OutageList {...range} area={area} class={class_} cameras={shown} onOpen={setOpenedId} />
        )}
        {range === null && shown.length > 0 && filters.view === "list" && (
          <Rows cameras={shown} onOpen={setOpenedId} />
        )}
        {range === null && shown.length > 0 && filters.view === "map" && (
          <CameraMap cameras={shown} onOpen={setOpenedId} />
        )}
      </div>
      {opened && <CameraDialog camera={opened} onClose={() => setOpenedId(null)} />}
    </div>
  );
}

/** Leads to a wall of the cameras that are shown, if there are few enough. */
function WatchShown({ shown, all }: { shown: readonly CameraView[]; all: number }) {
  const { texts, session } = useConsole();
  const isFew = shown.length > 0 && shown.length <= MOST_TILES && shown.length < all;
  if (!isFew || !hasRight(session, "live_view")) return null;
  const wall = wallShowing(shown.map(({ id }) => id));
  return (
    <a class="button" href={addressOf("live", parametersOfWall(wall))}>
      {texts.cameras.watchShown(shown.length)}
    </a>
  );
}

interface FilterBarProps {
  filters: CameraFilters;
  onChange: (changed: Partial<CameraFilters>) => void;
}

function FilterBar({ filters, onChange }: FilterBarProps) {
  const { texts } = useConsole();
  return (
    <div class="row filter-bar">
      <label class="field">
        <span>{texts.cameras.filter}</span>
        <input
          type="search"
          value={filters.text}
          onInput={(event) => onChange({ text: event.currentTarget.value })}
        />
      </label>
      <Select
        label={texts.find.class}
        value={filters.class}
        options={optionsWithAll(texts.find.all, CLASSES, texts.find.classes)}
        onChange={(class_) => onChange({ class: class_ })}
      />
      <Select
        label={texts.cameras.state}
        value={filters.group}
        options={GROUPS.map((group) => [group, texts.cameras.groups[group]] as const)}
        onChange={(group) => onChange({ group })}
      />
      <Select
        label={texts.find.view}
        value={filters.view}
        options={VIEWS.map((view) => [view, texts.cameras.views[view]] as const)}
        onChange={(view) => onChange({ view })}
      />
      <button type="button" onClick={() => onChange(EMPTY_FILTERS)}>
        {texts.find.clear}
      </button>
      <TimePresets
        label={texts.outages.title}
        fromMs={filters.fromMs}
        toMs={filters.toMs}
        presets={OUTAGE_PRESETS}
        onChange={onChange}
      />
      {(filters.fromMs !== null || filters.toMs !== null) && (
        <div class="row">
          <TimeEnds fromMs={filters.fromMs} toMs={filters.toMs} onChange={onChange} />
        </div>
      )}
    </div>
  );
}

interface AreaTreeProps {
  areas: readonly AreaView[];
  chosen: string;
  onChoose: (id: string) => void;
}

/** The areas as an indented list. Each shows its cameras, and how many of them have a fault. */
function AreaTree({ areas, chosen, onChoose }: AreaTreeProps) {
  const { texts } = useConsole();
  return (
    <section class="areas" aria-label={texts.cameras.areas}>
      <ul>
        <li>
          <button type="button" aria-pressed={chosen === ""} onClick={() => onChoose("")}>
            {texts.cameras.allAreas}
          </button>
        </li>
        {areas.map((area) => (
          <li key={area.id} style={{ paddingInlineStart: `${depthOf(area)}em` }}>
            <button
              type="button"
              aria-pressed={chosen === area.id}
              onClick={() => onChoose(area.id)}
            >
              {area.name}
              <span class="quiet">{area.cameras}</span>
              {faultyIn(area) > 0 && <span class="state-mark state-bad">{faultyIn(area)}</span>}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Rows(props: { cameras: readonly CameraView[]; onOpen: (id: string) => void }) {
  const { texts } = useConsole();
  const time = useTimes();
  const scroller = useRef<HTMLElement>(null);
  const { columns } = texts.cameras;
  return (
    <>
      <div class="camera-line line-head" aria-hidden="true">
        <span>{columns.name}</span>
        <span>{columns.class}</span>
        <span>{columns.area}</span>
        <span>{columns.state}</span>
        <span>{columns.since}</span>
        <span>{columns.cause}</span>
        <span>{columns.stream}</span>
      </div>
      <section ref={scroller} class="results" aria-label={texts.cameras.title}>
        <VirtualRows
          scroller={scroller}
          count={props.cameras.length}
          rowHeightPx={ROW_PX}
          visibleRow={null}
          onEnd={() => undefined}
          row={(index) => {
            const camera = props.cameras[index];
            if (camera === undefined) return null;
            const cause = causeOf(camera, texts);
            return (
              <button type="button" class="camera-line" onClick={() => props.onOpen(camera.id)}>
                <span class="cut">{camera.name}</span>
                <span>{camera.class}</span>
                <span class="cut">{camera.area_name}</span>
                <span>
                  <StateMark camera={camera} texts={texts} />
                </span>
                <span class="cut">{camera.since === null ? "" : time(camera.since)}</span>
                <span class="two-lines" title={cause}>
                  {cause}
                </span>
                <span class="two-lines">{streamText(camera, texts)}</span>
              </button>
            );
          }}
        />
      </section>
    </>
  );
}
