// The chosen range: its ends, and the download of each camera's recording of it.
import { useState } from "preact/hooks";
import { api, result } from "../api/client.ts";
import { usesToken } from "../api/credentials.ts";
import { type Failure, failureOf } from "../api/problem.ts";
import { cameraName, useConsole } from "../shell/console-context.ts";
import { Failed } from "../shell/states.tsx";
import { durationText } from "../time/amounts.ts";
import { rangeOfText } from "../time/range-text.ts";
import { instantOf, wallOf } from "../time/zone.ts";
import { type Coverage, includes, type Recorded, recordedMs } from "./coverage.ts";
import type { PlaybackQuery } from "./playback-query.ts";
import { RangeHolds } from "./range-holds.tsx";

interface RangeBarProps {
  query: PlaybackQuery;
  range: Recorded | null;
  positionMs: number;
  coverageOf: (camera: string) => Coverage | undefined;
  onChange: (changed: Partial<PlaybackQuery>) => void;
}

/** The API makes one file of at most a day. */
const LONGEST_FILE_MS = 86_400_000;
/** The ends of a range are not at keyframes, so some of each range is always missing. */
const UNSEEN_MS = 1_000;

export function RangeBar({ query, range, positionMs, coverageOf, onChange }: RangeBarProps) {
  const { texts } = useConsole();
  const here = Math.floor(positionMs);
  return (
    <fieldset class="row range-bar" aria-label={texts.playback.range}>
      <RangeInWords
        positionMs={positionMs}
        onRange={(chosen) => onChange({ ...chosen, atMs: chosen.fromMs })}
      />
      <End
        label={texts.find.from}
        atMs={query.fromMs}
        onChange={(fromMs) => onChange({ fromMs })}
      />
      <button type="button" onClick={() => onChange({ fromMs: here })}>
        {texts.playback.startHere}
      </button>
      <End label={texts.find.to} atMs={query.toMs} onChange={(toMs) => onChange({ toMs })} />
      <button type="button" onClick={() => onChange({ toMs: here })}>
        {texts.playback.endHere}
      </button>
      {range !== null && (
        <>
          {range.toMs - range.fromMs > LONGEST_FILE_MS ? (
            <span role="alert">{texts.playback.tooLong}</span>
          ) : (
            query.cameras.map((camera) => (
              <span key={camera} class="row">
                <Download camera={camera} range={range} />
                <RecordedPart coverage={coverageOf(camera)} range={range} />
              </span>
            ))
          )}
          {query.cameras.length > 0 && <RangeHolds cameras={query.cameras} range={range} />}
          <button type="button" onClick={() => onChange({ fromMs: null, toMs: null })}>
            {texts.find.clear}
          </button>
        </>
      )}
    </fieldset>
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

/** How much of the range the file has: a range with gaps is saved without them. */
function RecordedPart({ coverage, range }: { coverage: Coverage | undefined; range: Recorded }) {
  const { texts } = useConsole();
  if (coverage === undefined || !includes(coverage, range)) return null;
  const wholeMs = range.toMs - range.fromMs;
  const partMs = recordedMs(coverage, range);
  if (wholeMs - partMs < UNSEEN_MS) return null;
  return (
    <strong class="recorded-part" role="status">
      {partMs === 0
        ? texts.playback.nothingRecorded
        : texts.playback.recordedOf(
            durationText(texts.units, partMs),
            durationText(texts.units, wholeMs),
          )}
    </strong>
  );
}

/** The browser downloads the file by itself, so it can also continue a broken download. */
function Download({ camera, range }: { camera: string; range: Recorded }) {
  const { texts, cameras } = useConsole();
  const [failure, setFailure] = useState<Failure | null>(null);
  const download = async () => {
    setFailure(null);
    try {
      save(await addressOfFile(camera, range), fileName(camera, range));
    } catch (error) {
      setFailure(failureOf(error));
    }
  };
  return (
    <>
      <button type="button" class="download" onClick={() => void download()}>
        {texts.playback.download(cameraName(cameras, camera))}
      </button>
      {failure !== null && <Failed failure={failure} onRetry={() => void download()} />}
    </>
  );
}

/** Return the address of a recording. A download sends no headers, so a token needs a ticket. */
async function addressOfFile(camera: string, range: Recorded): Promise<string> {
  const query = {
    from: new Date(range.fromMs).toISOString(),
    to: new Date(range.toMs).toISOString(),
  };
  if (!usesToken()) {
    return `/v1/cameras/${encodeURIComponent(camera)}/recording?${new URLSearchParams(query)}`;
  }
  const params = { path: { id: camera }, query };
  const ticket = await result(api.GET("/v1/cameras/{id}/recording/ticket", { params }));
  return ticket.address;
}

function save(address: string, name: string): void {
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
}

function fileName(camera: string, range: Recorded): string {
  const part = (atMs: number) => new Date(atMs).toISOString().replace(/[-:]|\.\d+/g, "");
  return `${camera}-${part(range.fromMs)}-${part(range.toMs)}.mp4`;
}
