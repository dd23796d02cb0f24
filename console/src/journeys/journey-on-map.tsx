// A journey on the map: numbered sightings, legs with speeds, and playback in time.
import { useEffect, useMemo, useState } from "preact/hooks";
import type { Schemas } from "../api/client.ts";
import { dotsOf } from "../map/camera-dots.ts";
import { MapCanvas } from "../map/map-canvas.tsx";
import { EMPTY_CONTENT } from "../map/map-content.ts";
import { cameraName, useConsole, useTimes } from "../shell/console-context.ts";
import { legsOf, marksOf, placeAt, type Span, spanOf } from "./journey-map.ts";

type Journey = Schemas["Journey"];

interface JourneyMapProps {
  journey: Journey;
  highlighted: string | null;
  onHover: (camera: string | null) => void;
}

export function JourneyMap({ journey, highlighted, onHover }: JourneyMapProps) {
  const { texts, cameras } = useConsole();
  const span = useMemo(() => spanOf(journey), [journey]);
  const [atMs, setAtMs] = useState(span.fromMs);
  const still = useMemo(
    () => ({
      ...EMPTY_CONTENT,
      dots: dotsOf(cameras.values(), "quiet"),
      marks: marksOf(journey, (id) => cameraName(cameras, id)),
      legs: legsOf(journey, (kmh) => `${kmh} km/h`),
      ringed: new Set(journey.expected.map((near) => near.id)),
    }),
    [journey, cameras],
  );
  const isMoving = atMs > span.fromMs;
  const content = useMemo(
    () => ({ ...still, traveller: isMoving ? placeAt(journey, atMs) : null }),
    [still, journey, atMs, isMoving],
  );
  return (
    <div class="journey-map">
      <MapCanvas
        content={content}
        label={texts.journeys.plane}
        highlighted={highlighted}
        onHover={onHover}
      />
      {span.toMs > span.fromMs && <Playback span={span} atMs={atMs} onTime={setAtMs} />}
    </div>
  );
}

/** A whole journey is played in this time, however long it took. */
const PLAYED_MS = 20_000;
const STEPS = 1000;

interface PlaybackProps {
  span: Span;
  atMs: number;
  onTime: (atMs: number) => void;
}

function Playback({ span, atMs, onTime }: PlaybackProps) {
  const { journeys } = useConsole().texts;
  const time = useTimes();
  const [isPlaying, setPlaying] = useState(false);
  const { fromMs, toMs } = span;
  useEffect(() => {
    if (!isPlaying) return undefined;
    const startMs = performance.now();
    const firstMs = atMs >= toMs ? fromMs : atMs;
    let frame = 0;
    const step = (nowMs: number) => {
      const reachedMs = firstMs + ((nowMs - startMs) / PLAYED_MS) * (toMs - fromMs);
      onTime(Math.min(toMs, reachedMs));
      if (reachedMs >= toMs) setPlaying(false);
      else frame = requestAnimationFrame(step);
    };
    frame = requestAnimationFrame(step);
    return () => cancelAnimationFrame(frame);
  }, [isPlaying, fromMs, toMs, onTime]);
  return (
    <div class="row">
      <button type="button" onClick={() => setPlaying(!isPlaying)}>
        {isPlaying ? journeys.pause : journeys.play}
      </button>
      <input
        class="grow"
        type="range"
        min={0}
        max={STEPS}
        value={Math.round((STEPS * (atMs - fromMs)) / (toMs - fromMs))}
        aria-label={journeys.time}
        aria-valuetext={time(atMs)}
        onInput={(event) => {
          setPlaying(false);
          onTime(fromMs + (Number(event.currentTarget.value) / STEPS) * (toMs - fromMs));
        }}
      />
      <time>{time(atMs)}</time>
    </div>
  );
}
