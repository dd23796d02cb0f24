// The sightings of a journey in order, with the legs between them and the cameras expected next.
import type { EventView, MatchView, Schemas } from "../api/client.ts";
import { tieText } from "../find/facts.ts";
import { Picture } from "../find/picture.tsx";
import { PlateBadge } from "../find/plate-badge.tsx";
import { cameraName, useConsole, useTimes } from "../shell/console-context.ts";
import { distanceText, durationText } from "./journey-query.ts";

type Journey = Schemas["Journey"];
type Leg = Schemas["LegView"];

export function Sightings({ journey, onOpen }: { journey: Journey; onOpen: (at: number) => void }) {
  const { texts } = useConsole();
  const legs = new Map(journey.legs.map((leg) => [leg.to_event, leg]));
  return (
    <div class="sightings">
      <ol>
        {journey.sightings.map((event, index) => {
          const leg = legs.get(event.id);
          return (
            <li key={event.id}>
              {leg && <LegLine leg={leg} />}
              <Sighting
                event={event}
                match={journey.matches[index] ?? null}
                number={index + 1}
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
            .map((near) => `${near.name} (${distanceText(near.distance_m)})`)
            .join(texts.list)}
        </p>
      )}
    </div>
  );
}

interface SightingProps {
  event: EventView;
  match: MatchView | null;
  number: number;
  onOpen: () => void;
}

function Sighting({ event, match, number, onOpen }: SightingProps) {
  const { texts, cameras } = useConsole();
  const time = useTimes();
  const tie = tieText(match, texts);
  return (
    <button type="button" class="sighting" onClick={onOpen}>
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

function LegLine({ leg }: { leg: Leg }) {
  const { texts } = useConsole();
  const speed = leg.speed_kmh === null ? "" : texts.journeys.speed(Math.round(leg.speed_kmh));
  const facts = [distanceText(leg.distance_m), durationText(leg.seconds), speed];
  return (
    <p class={leg.impossible ? "leg leg-impossible" : "leg"}>
      {facts.filter(Boolean).join(texts.list)}
      {leg.impossible && <strong> {texts.journeys.impossible}</strong>}
      {leg.passed.length > 0 && (
        <span class="quiet">
          {" "}
          {texts.journeys.passed}
          {texts.colon}
          {leg.passed.map((near) => near.name).join(texts.list)}
        </span>
      )}
    </p>
  );
}
