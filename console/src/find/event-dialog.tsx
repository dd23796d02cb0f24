// One passing: picture, clip, facts, other readings, and the way to related searches.
import { useState } from "preact/hooks";
import type { EventView } from "../api/client.ts";
import { useClip } from "../api/use-content.ts";
import { parametersOf as journeyParameters } from "../journeys/journey-query.ts";
import { cameraName, useConsole, useTimes } from "../shell/console-context.ts";
import { Dialog } from "../shell/dialog.tsx";
import { addressOf } from "../shell/route.ts";
import { clipText, confidencePercent, wayOf } from "./facts.ts";
import { Picture } from "./picture.tsx";
import { dotted } from "./plate.ts";
import { PlateBadge, plateOf, plateText } from "./plate-badge.tsx";
import type { Found } from "./reading.ts";
import { EMPTY_SEARCH, parametersOf } from "./search.ts";

const DAY_MS = 86_400_000;

interface EventDialogProps {
  found: Found;
  onClose: () => void;
  onPrevious: (() => void) | null;
  onNext: (() => void) | null;
}

export function EventDialog(props: EventDialogProps) {
  const { texts, cameras } = useConsole();
  const { event } = props.found;
  const title = `${plateText(event, texts)}${texts.list}${cameraName(cameras, event.camera)}`;
  const pressKey = (pressed: KeyboardEvent) => {
    // The player uses the arrow keys itself.
    if (pressed.target instanceof HTMLVideoElement) return;
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
          {event.clip_ready ? <Clip path={event.clip} /> : <p>{clipText(event, texts)}</p>}
        </div>
        <Facts found={props.found} />
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

function Clip({ path }: { path: string }) {
  const { texts } = useConsole();
  const { url, failure } = useClip(path);
  const [cannotPlay, setCannotPlay] = useState(false);
  if (failure !== null) return <p role="alert">{failure.message}</p>;
  if (cannotPlay) return <p role="alert">{texts.event.clipFailed}</p>;
  if (url === null) return <p>{texts.states.loading}</p>;
  return (
    <video
      class="event-clip"
      src={url}
      controls
      playsInline
      muted
      aria-label={texts.event.clip}
      onError={() => setCannotPlay(true)}
    />
  );
}

function Facts({ found }: { found: Found }) {
  const { texts, cameras } = useConsole();
  const time = useTimes();
  const { event, match } = found;
  const way = wayOf(event, texts);
  const rows: [string, string][] = [
    [texts.find.camera, cameraName(cameras, event.camera)],
    [texts.find.area, event.area],
    [texts.event.start, time(event.started_at)],
    [texts.event.best, time(event.best_at)],
    [texts.event.end, time(event.ended_at)],
    ...(way ? [[texts.find.direction, way] as [string, string]] : []),
    [texts.find.columns.confidence, `${confidencePercent(event)} %`],
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
      <p class="row">
        {plateOf(event) && (
          <a href={addressOf("journeys", journeyOf(event))}>{texts.event.follow}</a>
        )}
        {plateOf(event) && (
          <a href={addressOf("find", parametersOf({ ...EMPTY_SEARCH, plate: plateOf(event) }))}>
            {texts.event.findPlate}
          </a>
        )}
        <a href={addressOf("find", parametersOf({ ...EMPTY_SEARCH, camera: event.camera }))}>
          {texts.event.findCamera}
        </a>
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
