// The time line: what is recorded of each camera, gaps with their causes, events, and the range.
import { useRef, useState } from "preact/hooks";
import type { EventView } from "../api/client.ts";
import { plateText } from "../find/plate-badge.tsx";
import { cameraName, useConsole } from "../shell/console-context.ts";
import { useSize } from "../shell/use-size.ts";
import type { Coverage, Recorded } from "./coverage.ts";
import type { Hovered } from "./thumbnail.tsx";
import {
  instantAt,
  moved,
  partOf,
  preciseTime,
  spanOf,
  type TimeWindow,
  ticksOf,
  zoomed,
} from "./time-window.ts";

export interface TimeLineProps {
  window: TimeWindow;
  positionMs: number;
  cameras: readonly string[];
  coverageOf: (camera: string) => Coverage | undefined;
  events: readonly EventView[];
  range: Recorded | null;
  onSeek: (atMs: number) => void;
  onWindow: (window: TimeWindow) => void;
  onRange: (range: Recorded) => void;
  onHover: (hovered: Hovered | null) => void;
}

const TICK_PX = 110;
const WHEEL_ZOOM = 1.0015;
/** Steps of the arrow keys in parts of the window; with Shift ten times as far. */
const KEY_STEP = 0.005;

export function TimeLine(props: TimeLineProps) {
  const { texts, zone } = useConsole();
  const { window, positionMs, cameras } = props;
  const element = useRef<HTMLDivElement>(null);
  const { widthPx } = useSize(element);
  const pointer = usePointer(props);
  return (
    <div
      ref={element}
      class="time-line"
      role="slider"
      tabIndex={0}
      aria-label={texts.playback.timeLine}
      aria-valuemin={window.fromMs}
      aria-valuemax={window.toMs}
      aria-valuenow={Math.max(window.fromMs, Math.min(positionMs, window.toMs))}
      aria-valuetext={preciseTime(positionMs, zone)}
      {...pointer}
      onKeyDown={(event) => pressKey(event, props)}
      onWheel={(event) => {
        event.preventDefault();
        props.onWindow(wheeled(window, event, instantOf(event, window)));
      }}
    >
      <div class="time-ticks" aria-hidden="true">
        {ticksOf(window, zone, Math.max(2, widthPx / TICK_PX)).map((tick) => (
          <span key={tick.atMs} style={{ insetInlineStart: percent(partOf(window, tick.atMs)) }}>
            {tick.text}
          </span>
        ))}
      </div>
      {cameras.map((camera) => (
        <Track key={camera} camera={camera} {...props} />
      ))}
      {props.range && <Stretch window={window} part={props.range} class="time-range" title="" />}
      <div
        class="time-position"
        style={{ insetInlineStart: percent(Math.max(0, Math.min(1, partOf(window, positionMs)))) }}
      />
    </div>
  );
}

function Track({ camera, window, coverageOf, events }: TimeLineProps & { camera: string }) {
  const { texts, zone, cameras } = useConsole();
  const coverage = coverageOf(camera);
  const { causes } = texts.playback;
  const isSeen = (part: Recorded) => part.fromMs < window.toMs && window.fromMs < part.toMs;
  const marks = events.filter((event) => event.camera === camera);
  return (
    <div class="time-track">
      <span class="time-name cut">{cameraName(cameras, camera)}</span>
      {coverage?.recorded.filter(isSeen).map((part) => (
        <Stretch key={part.fromMs} window={window} part={part} class="time-recorded" title="" />
      ))}
      {coverage?.gaps.filter(isSeen).map((gap) => (
        <Stretch
          key={gap.fromMs}
          window={window}
          part={gap}
          class={gap.cause === "not_asked" || gap.cause === "deleted" ? "time-none" : "time-gap"}
          title={causes[gap.cause]}
        />
      ))}
      {coverage?.partlyAnalysed.filter(isSeen).map((part) => (
        <Stretch
          key={`partly ${part.fromMs}`}
          window={window}
          part={part}
          class="time-partly"
          title={texts.unanalysed.partly(texts.unanalysed.causes[part.cause])}
        />
      ))}
      {marks.map((event) => {
        const part = partOf(window, Date.parse(event.started_at));
        if (part < 0 || part > 1) return null;
        const text = `${plateText(event, texts)} ${preciseTime(Date.parse(event.started_at), zone)}`;
        return (
          <span
            key={event.id}
            class="time-mark"
            title={text}
            style={{ insetInlineStart: percent(part) }}
          />
        );
      })}
    </div>
  );
}

interface StretchProps {
  window: TimeWindow;
  part: Recorded;
  class: string;
  title: string;
}

function Stretch({ window, part, class: class_, title }: StretchProps) {
  const start = Math.max(0, partOf(window, part.fromMs));
  const end = Math.min(1, partOf(window, part.toMs));
  if (end <= start) return null;
  return (
    <span
      class={class_}
      {...(title === "" ? {} : { title })}
      style={{ insetInlineStart: percent(start), width: percent(end - start) }}
    />
  );
}

/** A click or a drag moves the position; with Shift it chooses a range. */
function usePointer({ window, cameras, onSeek, onRange, onHover }: TimeLineProps) {
  const [anchorMs, setAnchorMs] = useState<number | null>(null);
  const [isSeeking, setSeeking] = useState(false);
  type Pointer = PointerEvent & { currentTarget: HTMLElement };
  const end = () => {
    setAnchorMs(null);
    setSeeking(false);
  };
  return {
    onPointerDown: (event: Pointer) => {
      event.currentTarget.setPointerCapture(event.pointerId);
      const atMs = instantOf(event, window);
      if (event.shiftKey) setAnchorMs(atMs);
      else {
        setSeeking(true);
        onSeek(atMs);
      }
    },
    onPointerMove: (event: Pointer) => {
      const atMs = instantOf(event, window);
      onHover({ atMs, camera: cameraUnder(event, cameras) });
      if (isSeeking) onSeek(atMs);
      if (anchorMs !== null) {
        onRange({ fromMs: Math.min(anchorMs, atMs), toMs: Math.max(anchorMs, atMs) });
      }
    },
    onPointerUp: end,
    onPointerCancel: end,
    onPointerLeave: () => onHover(null),
  };
}

function pressKey(event: KeyboardEvent, props: TimeLineProps): void {
  const { window, positionMs } = props;
  const stepMs = spanOf(window) * KEY_STEP * (event.shiftKey ? 10 : 1);
  const seeks: Readonly<Record<string, number>> = {
    ArrowLeft: positionMs - stepMs,
    ArrowRight: positionMs + stepMs,
    PageUp: positionMs - spanOf(window) / 4,
    PageDown: positionMs + spanOf(window) / 4,
    Home: window.fromMs,
    End: window.toMs,
  };
  const zooms: Readonly<Record<string, number>> = { "+": 0.5, "=": 0.5, "-": 2 };
  const seekMs = seeks[event.key];
  const factor = zooms[event.key];
  if (seekMs !== undefined) props.onSeek(seekMs);
  else if (factor !== undefined) props.onWindow(zoomed(window, factor, positionMs));
  else return;
  event.preventDefault();
}

/** Return the window after a turn of the wheel: zoom, or with Shift and sideways movement. */
function wheeled(window: TimeWindow, event: WheelEvent, atMs: number): TimeWindow {
  const isSideways = Math.abs(event.deltaX) > Math.abs(event.deltaY);
  if (event.shiftKey || isSideways) {
    const by = (isSideways ? event.deltaX : event.deltaY) / 1000;
    return moved(window, by * spanOf(window));
  }
  return zoomed(window, WHEEL_ZOOM ** event.deltaY, atMs);
}

function instantOf(
  event: MouseEvent & { currentTarget: EventTarget | null },
  window: TimeWindow,
): number {
  if (!(event.currentTarget instanceof HTMLElement)) return window.fromMs;
  const box = event.currentTarget.getBoundingClientRect();
  return instantAt(window, Math.max(0, Math.min(1, (event.clientX - box.left) / box.width)));
}

/** Return the camera whose track the pointer is on; above and below the tracks, the first. */
function cameraUnder(
  event: PointerEvent & { currentTarget: HTMLElement },
  cameras: readonly string[],
): string {
  const tracks = [...event.currentTarget.querySelectorAll(".time-track")];
  const index = tracks.findIndex((track) => {
    const { top, bottom } = track.getBoundingClientRect();
    return top <= event.clientY && event.clientY < bottom;
  });
  return cameras[Math.max(0, index)] ?? "";
}

function percent(part: number): string {
  return `${100 * part}%`;
}
