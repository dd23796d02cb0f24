// The sightings of a journey in order, with the legs between them and the cameras expected next.
import type { EventView, MatchView, Schemas } from "../api/client.ts";
import { tieText } from "../find/facts.ts";
import { Picture } from "../find/picture.tsx";
import { PlateBadge } from "../find/plate-badge.tsx";
import { cameraName, hasRight, useConsole, useTimes } from "../shell/console-context.ts";
import { addressOf } from "../shell/route.ts";
import { distanceText } from "../time/amounts.ts";
import { LegFacts } from "./leg-facts.tsx";
import { missedAt, wallOfExpected } from "./leg-search.ts";

type Journey = Schemas["Journey"];
type Leg = Schemas["LegView"];

interface SightingsProps {
  journey: Journey;
  onOpen: (at: number) => void;
  onCompare: (leg: Leg) => void;
  /** The camera that is pointed at on the map. */
  highlighted: string | null;
  onHover: (camera: string | null) => void;
}

export function Sightings({ journey, onOpen, onCompare, highlighted, onHover }: SightingsProps) {
  const { texts, session } = useConsole();
  const legs = new Map(journey.legs.map((leg) => [leg.to_event, leg]));
  return (
    <div class="sightings">
      <ol>
        {journey.sightings.map((event, index) => {
          const leg = legs.get(event.id);
          return (
            <li key={event.id}>
              {leg && <LegLine leg={leg} journey={journey} onCompare={() => onCompare(leg)} />}
              <Sighting
                event={event}
                match={journey.matches[index] ?? null}
                number={index + 1}
                isPointed={event.camera === highlighted}
                onHover={onHover}
                onOpen={() => onOpen(index)}
              />
            </li>
          );
        })}
      </ol>
      {journey.expected.length > 0 && (
        <p class="hint">
          {texts.journeys.expected}
          {texts.colon}
          {journey.expected
            .map((near) => `${near.name} (${distanceText(texts.units, near.distance_m)})`)
            .join(texts.list)}{" "}
          {hasRight(session, "live_view") && (
            <a href={addressOf("live", wallOfExpected(journey.expected))}>
              {texts.journeys.watchExpected}
            </a>
          )}
        </p>
      )}
    </div>
  );
}

interface SightingProps {
  event: EventView;
  match: MatchView | null;
  number: number;
  isPointed: boolean;
  onHover: (camera: string | null) => void;
  onOpen: () => void;
}

function Sighting({ event, match, number, isPointed, onHover, onOpen }: SightingProps) {
  const { texts, cameras } = useConsole();
  const time = useTimes();
  const tie = tieText(match, texts);
  return (
    <button
      type="button"
      class={isPointed ? "sighting pointed" : "sighting"}
      onClick={onOpen}
      onMouseEnter={() => onHover(event.camera)}
      onMouseLeave={() => onHover(null)}
      onFocus={() => onHover(event.camera)}
      onBlur={() => onHover(null)}
    >
      <span class="number">{number}</span>
      <Picture class="crop-small" path={event.crop} alt="" />
      <span>
        <PlateBadge event={event} />{" "}
        {tie && (
          <span class="tie" title={match?.reason ?? ""}>
            {tie}
          </span>
        )}
      </span>
      <time dateTime={event.best_at}>{time(event.best_at)}</time>
      <span class="cut">{cameraName(cameras, event.camera)}</span>
    </button>
  );
}

interface LegLineProps {
  leg: Leg;
  journey: Journey;
  onCompare: () => void;
}

function LegLine({ leg, journey, onCompare }: LegLineProps) {
  const { texts } = useConsole();
  const [from, to] = pairOf(leg, journey);
  return (
    <div class={leg.impossible ? "leg leg-impossible" : "leg"}>
      <LegFacts leg={leg} />{" "}
      {from && to && (
        <button type="button" class="small" onClick={onCompare}>
          {texts.journeys.compare}
        </button>
      )}
      {leg.passed.length > 0 && from && to && (
        <span class="quiet row">
          {texts.journeys.passed}
          {texts.colon}
          {leg.passed.map((near) => (
            <a key={near.id} href={addressOf("find", missedAt(near.id, from, to))}>
              {near.name}
            </a>
          ))}
        </span>
      )}
    </div>
  );
}

/** Return both sightings of a leg, as far as the journey has them. */
export function pairOf(leg: Leg, journey: Journey): (EventView | undefined)[] {
  const ids = [leg.from_event, leg.to_event];
  return ids.map((id) => journey.sightings.find((event) => event.id === id));
}
