// A journey on a plain ground, without a base map: cameras, numbered sightings, and arrows.
import type { Schemas } from "../api/client.ts";
import { cameraName, useConsole } from "../shell/console-context.ts";
import { arrow, planeOf } from "./plane.ts";

type Journey = Schemas["Journey"];

const FRAME = { width: 640, height: 480, margin: 40 };
const RADIUS = 13;

export function JourneyPlane({ journey }: { journey: Journey }) {
  const { texts, cameras } = useConsole();
  const { sightings, legs, expected } = journey;
  const ahead = expected.flatMap((near) => cameras.get(near.id) ?? []);
  const toPoint = planeOf(
    [...sightings, ...ahead].map((one) => one.location),
    FRAME,
  );
  const places = new Map(sightings.map((event) => [event.id, toPoint(event.location)]));
  const others = [...cameras.values()]
    .map((camera) => ({ camera, ...toPoint(camera.location) }))
    .filter(({ x, y }) => x >= 0 && x <= FRAME.width && y >= 0 && y <= FRAME.height);
  return (
    <svg
      class="plane"
      viewBox={`0 0 ${FRAME.width} ${FRAME.height}`}
      role="img"
      aria-label={texts.journeys.plane}
    >
      <defs>
        <marker
          id="head"
          viewBox="0 0 8 8"
          refX="7"
          refY="4"
          markerWidth="7"
          markerHeight="7"
          orient="auto"
        >
          <path d="M0 0 L8 4 L0 8 Z" class="arrow-head" />
        </marker>
      </defs>
      {others.map(({ camera, x, y }) => (
        <circle key={camera.id} class="plane-camera" cx={x} cy={y} r={4}>
          <title>{camera.name}</title>
        </circle>
      ))}
      {ahead.map((camera) => {
        const { x, y } = toPoint(camera.location);
        return <circle key={camera.id} class="plane-expected" cx={x} cy={y} r={8} />;
      })}
      {legs.map((leg) => {
        const from = places.get(leg.from_event);
        const to = places.get(leg.to_event);
        const ends = from && to ? arrow(from, to, RADIUS) : null;
        if (ends === null) return null;
        return (
          <line
            key={leg.to_event}
            class={leg.impossible ? "plane-leg plane-impossible" : "plane-leg"}
            x1={ends[0].x}
            y1={ends[0].y}
            x2={ends[1].x}
            y2={ends[1].y}
            marker-end="url(#head)"
          />
        );
      })}
      {sightings.map((event, index) => {
        const { x, y } = toPoint(event.location);
        return (
          <g key={event.id} class="plane-sighting">
            <circle cx={x} cy={y} r={RADIUS} />
            <text x={x} y={y} dy="0.35em">
              {index + 1}
            </text>
            <title>{cameraName(cameras, event.camera)}</title>
          </g>
        );
      })}
    </svg>
  );
}
