// The choice of a range: in words, or by its two ends.
import { useState } from "preact/hooks";
import { useConsole } from "../shell/console-context.ts";
import { Menu } from "../shell/menu.tsx";
import { rangeOfText } from "../time/range-text.ts";
import { instantOf, wallOf } from "../time/zone.ts";
import type { Recorded } from "./coverage.ts";
import type { PlaybackQuery } from "./playback-query.ts";

interface RangeMenuProps {
  query: PlaybackQuery;
  positionMs: number;
  onChange: (changed: Partial<PlaybackQuery>) => void;
}

export function RangeMenu({ query, positionMs, onChange }: RangeMenuProps) {
  const { texts } = useConsole();
  const { playback } = texts;
  const here = Math.floor(positionMs);
  return (
    <Menu label={playback.chooseRange} title={playback.chooseRangeFor}>
      {(close) => (
        <>
          <RangeInWords
            positionMs={positionMs}
            onRange={(chosen) => {
              onChange({ ...chosen, atMs: chosen.fromMs });
              close();
            }}
          />
          <div class="row">
            <End
              label={texts.find.from}
              atMs={query.fromMs}
              onChange={(fromMs) => onChange({ fromMs })}
            />
            <button type="button" onClick={() => onChange({ fromMs: here })}>
              {playback.startHere}
            </button>
          </div>
          <div class="row">
            <End label={texts.find.to} atMs={query.toMs} onChange={(toMs) => onChange({ toMs })} />
            <button type="button" onClick={() => onChange({ toMs: here })}>
              {playback.endHere}
            </button>
          </div>
        </>
      )}
    </Menu>
  );
}

/** A range of hours by one field, on the day that is played back. */
function RangeInWords(props: { positionMs: number; onRange: (range: Recorded) => void }) {
  const { texts, zone } = useConsole();
  const [isUnread, setUnread] = useState(false);
  const take = (text: string) => {
    const range = rangeOfText(text, props.positionMs, Date.now(), zone);
    setUnread(text.trim() !== "" && range === null);
    if (range !== null) props.onRange(range);
  };
  return (
    <label class="field">
      <span>{texts.playback.rangeInWords}</span>
      <input
        name="range"
        size={14}
        autocomplete="off"
        placeholder={texts.playback.rangeExample}
        aria-invalid={isUnread}
        onChange={(event) => take(event.currentTarget.value)}
      />
      {isUnread && <small role="alert">{texts.playback.rangeUnread}</small>}
    </label>
  );
}

function End(props: {
  label: string;
  atMs: number | null;
  onChange: (atMs: number | null) => void;
}) {
  const { zone } = useConsole();
  return (
    <label class="field">
      <span>{props.label}</span>
      <input
        type="datetime-local"
        step={1}
        value={props.atMs === null ? "" : wallOf(props.atMs, zone)}
        onChange={(event) => props.onChange(instantOf(event.currentTarget.value, zone))}
      />
    </label>
  );
}
