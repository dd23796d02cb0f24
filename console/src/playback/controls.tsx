// The controls of the playback: play, speed, frames, events, and the moment.
import { hasRight, useConsole } from "../shell/console-context.ts";
import { Select } from "../shell/select.tsx";
import { useSingleKey } from "../shell/shell.tsx";
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
}

const JUMP_MS = 10_000;
const HOUR_MS = 3_600_000;
/** The spans that can be chosen at once: minute, hour, day, week. */
const SPANS = { minute: HOUR_MS / 60, hour: HOUR_MS, day: 24 * HOUR_MS, week: 168 * HOUR_MS };
const SPAN_NAMES = ["minute", "hour", "day", "week"] as const;

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
  const button = (text: string, act: () => void) => (
    <button type="button" onClick={act}>
      {text}
    </button>
  );
  return (
    <div class="row playback-controls">
      <button type="button" class="primary play" onClick={toggle}>
        {isPlaying ? texts.playback.pause : texts.playback.play}
      </button>
      <output class="position">{preciseTime(positionMs, zone)}</output>
      {button(texts.playback.back, () => jump(-JUMP_MS))}
      {button(texts.playback.previousFrame, () => step(-1))}
      {button(texts.playback.nextFrame, () => step(1))}
      {button(texts.playback.forward, () => jump(JUMP_MS))}
      {mayFindEvents && button(texts.playback.previousEvent, () => props.onEvent(-1))}
      {mayFindEvents && button(texts.playback.nextEvent, () => props.onEvent(1))}
      <Select
        label={texts.playback.speed}
        value={`${view.speed}`}
        options={SPEEDS.map((speed) => [`${speed}`, `${speed}×`] as const)}
        onChange={(text) => playback.setSpeed(SPEEDS.find((one) => `${one}` === text) ?? 1)}
      />
      <label class="field">
        <span>{texts.playback.moment}</span>
        <input
          type="datetime-local"
          step={1}
          value={wallOf(positionMs, zone)}
          onChange={(event) => {
            const atMs = instantOf(event.currentTarget.value, zone);
            if (atMs !== null) props.onSeek(atMs);
          }}
        />
      </label>
      <fieldset class="row spans" aria-label={texts.playback.span}>
        {SPAN_NAMES.map((name) => (
          <button
            key={name}
            type="button"
            onClick={() => props.onWindow(zoomed(window, SPANS[name] / spanOf(window), positionMs))}
          >
            {texts.playback.spans[name]}
          </button>
        ))}
        {button(texts.playback.zoomIn, () => props.onWindow(zoomed(window, 0.5, positionMs)))}
        {button(texts.playback.zoomOut, () => props.onWindow(zoomed(window, 2, positionMs)))}
      </fieldset>
    </div>
  );
}
