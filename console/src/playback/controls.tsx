// The controls of the playback: play, moment, frames, events, speed, and the shown time.
import type { ComponentChildren } from "preact";
import { hasRight, useConsole } from "../shell/console-context.ts";
import { Menu } from "../shell/menu.tsx";
import { Select } from "../shell/select.tsx";
import { useSingleKey } from "../shell/shell.tsx";
import { durationText } from "../time/amounts.ts";
import { instantOf, wallOf } from "../time/zone.ts";
import { SPEEDS } from "./clock.ts";
import type { Playback, PlaybackView } from "./playback.ts";
import { preciseTime, spanOf, type TimeWindow, zoomed } from "./time-window.ts";

interface ControlsProps {
  playback: Playback;
  view: PlaybackView;
  window: TimeWindow;
  onWindow: (window: TimeWindow) => void;
  onSeek: (atMs: number) => void;
  onEvent: (direction: 1 | -1) => void;
  /** The choice of cameras and of a range. */
  children: ComponentChildren;
}

const JUMP_MS = 10_000;
const HOUR_MS = 3_600_000;
/** The spans that can be chosen at once: minute, hour, day, week. */
const SPANS = { minute: HOUR_MS / 60, hour: HOUR_MS, day: 24 * HOUR_MS, week: 168 * HOUR_MS };
const SPAN_NAMES = ["minute", "hour", "day", "week"] as const;
type SpanName = (typeof SPAN_NAMES)[number];

export function Controls(props: ControlsProps) {
  const { texts, zone, session, preferences } = useConsole();
  const { playback, view, window } = props;
  const { positionMs, isPlaying } = view;
  const mayFindEvents = hasRight(session, "events_read");
  const toggle = () => (isPlaying ? playback.pause() : playback.play());
  const step = (direction: 1 | -1) => playback.step(direction);
  const jump = (byMs: number) => props.onSeek(playback.positionMs + byMs);
  const keys = preferences.hasSingleKeys;
  useSingleKey("k", keys, toggle);
  useSingleKey(",", keys, () => step(-1));
  useSingleKey(".", keys, () => step(1));
  useSingleKey("j", keys, () => jump(-JUMP_MS));
  useSingleKey("l", keys, () => jump(JUMP_MS));
  useSingleKey("n", keys && mayFindEvents, () => props.onEvent(1));
  useSingleKey("p", keys && mayFindEvents, () => props.onEvent(-1));
  const words = texts.playback;
  return (
    <div class="row playback-controls">
      <button type="button" class="primary play" onClick={toggle}>
        {isPlaying ? words.pause : words.play}
      </button>
      <Menu
        title={words.moment}
        label={<output class="position">{preciseTime(positionMs, zone)}</output>}
      >
        {() => <Moment positionMs={positionMs} onSeek={props.onSeek} />}
      </Menu>
      <Steps
        text={words.seconds}
        names={[words.back, words.forward]}
        onStep={(direction) => jump(direction * JUMP_MS)}
      />
      <Steps text={words.frame} names={[words.previousFrame, words.nextFrame]} onStep={step} />
      {mayFindEvents && (
        <Steps
          text={words.eventStep}
          names={[words.previousEvent, words.nextEvent]}
          onStep={props.onEvent}
        />
      )}
      <Select
        label={words.speed}
        value={`${view.speed}`}
        options={SPEEDS.map((speed) => [`${speed}`, `${speed}×`] as const)}
        onChange={(text) => playback.setSpeed(SPEEDS.find((one) => `${one}` === text) ?? 1)}
      />
      <ShownTime {...{ window, positionMs }} onWindow={props.onWindow} />
      {props.children}
    </div>
  );
}

interface StepsProps {
  text: string;
  names: readonly [previous: string, next: string];
  onStep: (direction: 1 | -1) => void;
}

/** What can be gone back and on, between its two buttons. */
function Steps({ text, names, onStep }: StepsProps) {
  const button = (name: string, mark: string, direction: 1 | -1) => (
    <button type="button" aria-label={name} title={name} onClick={() => onStep(direction)}>
      <span aria-hidden="true">{mark}</span>
    </button>
  );
  return (
    <span class="steps">
      {button(names[0], "‹", -1)}
      <span aria-hidden="true">{text}</span>
      {button(names[1], "›", 1)}
    </span>
  );
}

function Moment({ positionMs, onSeek }: { positionMs: number; onSeek: (atMs: number) => void }) {
  const { texts, zone } = useConsole();
  return (
    <label class="field">
      <span>{texts.playback.moment}</span>
      <input
        type="datetime-local"
        step={1}
        value={wallOf(positionMs, zone)}
        onChange={(event) => {
          const atMs = instantOf(event.currentTarget.value, zone);
          if (atMs !== null) onSeek(atMs);
        }}
      />
    </label>
  );
}

interface ShownTimeProps {
  window: TimeWindow;
  positionMs: number;
  onWindow: (window: TimeWindow) => void;
}

/** The length of the shown time: a usual one, or the one that zooming has made. */
function ShownTime({ window, positionMs, onWindow }: ShownTimeProps) {
  const { texts } = useConsole();
  const { span, spans, zoomIn, zoomOut } = texts.playback;
  const zoom = (factor: number) => onWindow(zoomed(window, factor, positionMs));
  const spanMs = Math.round(spanOf(window));
  const usual = SPAN_NAMES.find((name) => SPANS[name] === spanMs);
  const options = SPAN_NAMES.map((name) => [name, spans[name]] as const);
  const button = (name: string, mark: string, factor: number) => (
    <button type="button" aria-label={name} title={name} onClick={() => zoom(factor)}>
      <span aria-hidden="true">{mark}</span>
    </button>
  );
  return (
    <span class="steps">
      {button(zoomOut, "−", 2)}
      <Select<SpanName | "other">
        label={span}
        value={usual ?? "other"}
        options={
          usual === undefined
            ? [["other", durationText(texts.units, spanMs)] as const, ...options]
            : options
        }
        onChange={(name) => name !== "other" && zoom(SPANS[name] / spanOf(window))}
      />
      {button(zoomIn, "+", 0.5)}
    </span>
  );
}
