// One passing: picture, clip, facts, other readings, and the way to related searches.
import type { EventView } from "../api/client.ts";
import { parametersOf as journeyParameters } from "../journeys/journey-query.ts";
import { momentOf } from "../playback/playback-query.ts";
import { cameraName, hasRight, useConsole, useTimes } from "../shell/console-context.ts";
import { Dialog } from "../shell/dialog.tsx";
import { addressOf } from "../shell/route.ts";
import { Clip } from "./clip.tsx";
import { Correction } from "./correction.tsx";
import { confidencePercent, wayOf } from "./facts.ts";
import { Picture } from "./picture.tsx";
import { dotted } from "./plate.ts";
import { PlateBadge, plateOf, plateText } from "./plate-badge.tsx";
import type { Found } from "./reading.ts";
import { EMPTY_SEARCH, parametersOf } from "./search.ts";

const DAY_MS = 86_400_000;

interface EventDialogProps {
  found: Found;
  /** Called with the event after a correction. */
  onCorrected: (event: EventView) => void;
  onClose: () => void;
  onPrevious: (() => void) | null;
  onNext: (() => void) | null;
}

export function EventDialog(props: EventDialogProps) {
  const { texts, cameras } = useConsole();
  const { event } = props.found;
  const title = `${plateText(event, texts)}${texts.list}${cameraName(cameras, event.camera)}`;
  const pressKey = (pressed: KeyboardEvent) => {
    // The player and the fields use the arrow keys themselves.
    const { target } = pressed;
    if (target instanceof HTMLVideoElement || target instanceof HTMLInputElement) return;
    if (pressed.key === "ArrowLeft") props.onPrevious?.();
    if (pressed.key === "ArrowRight") props.onNext?.();
  };
  return (
    <Dialog
      title={title}
      closeLabel={texts.shell.close}
      class="event-dialog"
      onClose={props.onClose}
      onKeyDown={pressKey}
    >
      <div class="event" key={event.id}>
        <div class="event-media">
          <Picture
            class="event-snapshot"
            path={event.snapshot}
            alt={texts.find.snapshotOf(plateText(event, texts))}
          />
          <Clip event={event} />
        </div>
        <Facts found={props.found} onCorrected={props.onCorrected} />
      </div>
      <div class="row event-steps">
        <button
          type="button"
          disabled={props.onPrevious === null}
          onClick={() => props.onPrevious?.()}
        >
          {texts.event.previous}
        </button>
        <button type="button" disabled={props.onNext === null} onClick={() => props.onNext?.()}>
          {texts.event.next}
        </button>
      </div>
    </Dialog>
  );
}

interface FactsProps {
  found: Found;
  onCorrected: (event: EventView) => void;
}

function Facts({ found, onCorrected }: FactsProps) {
  const { texts, cameras, areas, session } = useConsole();
  const time = useTimes();
  const { event, match } = found;
  const area = areas.find(({ id }) => id === event.area)?.name ?? event.area;
  const plate = plateOf(event);
  const way = wayOf(event, texts);
  const rows: [string, string][] = [
    [texts.find.camera, cameraName(cameras, event.camera)],
    [texts.find.area, area],
    [texts.event.start, time(event.started_at)],
    [texts.event.best, time(event.best_at)],
    [texts.event.end, time(event.ended_at)],
    ...(way ? [[texts.find.direction, way] as [string, string]] : []),
    [texts.find.columns.confidence, `${confidencePercent(event)} %`],
    ...(event.corrected?.text
      ? [[texts.correction.original, dotted(event.plate?.text ?? "")] as [string, string]]
      : []),
    ...(match === null ? [] : [[texts.event.match, match.reason] as [string, string]]),
    [texts.event.id, event.id],
  ];
  return (
    <div class="event-facts">
      <p class="card-line">
        <PlateBadge event={event} />
        {event.corrected?.text && <span>{texts.find.corrected(event.corrected.by)}</span>}
      </p>
      <Picture
        class={`event-crop crop-${event.kind}`}
        path={event.crop}
        alt={plateText(event, texts)}
      />
      <dl class="facts">
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <Alternatives found={found} />
      <Correction event={event} onCorrected={onCorrected} />
      <p class="row">
        {plate && <a href={addressOf("journeys", journeyOf(event))}>{texts.event.follow}</a>}
        {plate && (
          <a href={addressOf("find", parametersOf({ ...EMPTY_SEARCH, plate }))}>
            {texts.event.findPlate}
          </a>
        )}
        {plate && hasRight(session, "watches") && (
          <a href={addressOf("watches", new URLSearchParams({ plate }))}>{texts.watches.tellMe}</a>
        )}
        <a href={addressOf("find", parametersOf({ ...EMPTY_SEARCH, camera: event.camera }))}>
          {texts.event.findCamera}
        </a>
        {hasRight(session, "recordings_read") && (
          <a href={addressOf("playback", momentOf(event.camera, Date.parse(event.started_at)))}>
            {texts.event.playback}
          </a>
        )}
      </p>
    </div>
  );
}

/** Return the journey of the vehicle in the day before and the day after an event. */
function journeyOf(event: EventView): URLSearchParams {
  const at = Date.parse(event.started_at);
  const time = { fromMs: at - DAY_MS, toMs: at + DAY_MS };
  return journeyParameters({ plate: plateOf(event), fuzzy: false, ...time });
}

function Alternatives({ found }: { found: Found }) {
  const { texts } = useConsole();
  const alternatives = found.event.plate?.alternatives ?? [];
  if (alternatives.length === 0) return null;
  return (
    <>
      <h3>{texts.event.alternatives}</h3>
      <ul class="alternatives">
        {alternatives.map((one) => (
          <li key={one.text}>
            {dotted(one.text)} <span class="quiet">{Math.round(100 * one.confidence)} %</span>
          </li>
        ))}
      </ul>
    </>
  );
}
