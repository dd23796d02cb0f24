// One leg in words: distance, time, speed, and whether a vehicle could drive it.
import type { Schemas } from "../api/client.ts";
import { useConsole } from "../shell/console-context.ts";
import { distanceText, durationText } from "../time/amounts.ts";

export function LegFacts({ leg }: { leg: Schemas["LegView"] }) {
  const { texts } = useConsole();
  const speed = leg.speed_kmh === null ? "" : texts.journeys.speed(Math.round(leg.speed_kmh));
  const facts = [
    distanceText(texts.units, leg.distance_m),
    durationText(texts.units, leg.seconds * 1000),
    speed,
  ];
  return (
    <span class={leg.impossible ? "leg-impossible" : ""}>
      {facts.filter(Boolean).join(texts.list)}
      {leg.impossible && <strong> {texts.journeys.impossible}</strong>}
    </span>
  );
}
