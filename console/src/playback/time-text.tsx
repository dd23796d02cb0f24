// What the time line says of the moment under the pointer, and of the present position.
import { cameraName, useConsole } from "../shell/console-context.ts";
import type { Texts } from "../texts/en.ts";
import { type Coverage, type Moment, momentAt } from "./coverage.ts";
import type { PlaybackView } from "./playback.ts";
import { preciseTime } from "./time-window.ts";

const LEGEND = ["recorded", "gap", "partly", "event"] as const;

interface TimeTextProps {
  cameras: readonly string[];
  coverageOf: (camera: string) => Coverage | undefined;
  hoverMs: number | null;
  view: PlaybackView;
  hasMoreEvents: boolean;
}

export function TimeText({ cameras, coverageOf, hoverMs, view, hasMoreEvents }: TimeTextProps) {
  const { texts, zone, cameras: known } = useConsole();
  const { skipped } = view;
  const offline = [...new Set(cameras.flatMap((camera) => coverageOf(camera)?.offline ?? []))];
  const states =
    hoverMs === null
      ? []
      : cameras.map((camera) => {
          const text = momentText(momentAt(coverageOf(camera), hoverMs), texts);
          return `${cameraName(known, camera)}${texts.colon}${text}`;
        });
  const status = [
    view.isWaiting && texts.states.loading,
    skipped !== null &&
      texts.playback.skipped(preciseTime(skipped.fromMs, zone), preciseTime(skipped.toMs, zone)),
    hasMoreEvents && texts.playback.moreEvents,
    offline.length > 0 && texts.playback.offline(offline.join(texts.list)),
  ]
    .filter(Boolean)
    .join(" ");
  return (
    <div class="time-text">
      <ul class="legend hint" aria-label={texts.playback.legend}>
        {LEGEND.map((name) => (
          <li key={name}>
            <span class={`legend-${name}`} aria-hidden="true" /> {texts.playback[name]}
          </li>
        ))}
      </ul>
      {(hoverMs !== null || status === "") && (
        <p class="hint">
          {hoverMs === null
            ? texts.playback.hint
            : [preciseTime(hoverMs, zone), ...states].join(texts.list)}
        </p>
      )}
      <p class="hint" role="status">
        {status}
      </p>
    </div>
  );
}

export function momentText(moment: Moment, texts: Texts): string {
  if (moment.kind === "recorded") return texts.playback.recorded;
  if (moment.kind === "open") return texts.playback.open;
  return texts.playback.causes[moment.gap.cause];
}
