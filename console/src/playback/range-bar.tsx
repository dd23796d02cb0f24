// The chosen range: what can be done with the recordings of it.
import { useState } from "preact/hooks";
import { api, result } from "../api/client.ts";
import { usesToken } from "../api/credentials.ts";
import { type Failure, failureOf } from "../api/problem.ts";
import { cameraName, useConsole } from "../shell/console-context.ts";
import { Failed } from "../shell/states.tsx";
import type { Texts } from "../texts/en.ts";
import { durationText } from "../time/amounts.ts";
import { clockSpan } from "../time/zone.ts";
import { type Coverage, includes, type Recorded, recordedMs } from "./coverage.ts";
import { RangeHolds } from "./range-holds.tsx";

interface RangeBarProps {
  cameras: readonly string[];
  range: Recorded;
  coverageOf: (camera: string) => Coverage | undefined;
  onClear: () => void;
}

/** The API makes one file of at most a day. */
const LONGEST_FILE_MS = 86_400_000;
/** The ends of a range are not at keyframes, so some of each range is always missing. */
const UNSEEN_MS = 1_000;

export function RangeBar({ cameras, range, coverageOf, onClear }: RangeBarProps) {
  const { texts, zone } = useConsole();
  const lengthMs = range.toMs - range.fromMs;
  return (
    <fieldset class="row range-bar" aria-label={texts.playback.range}>
      <span>
        {texts.playback.range}
        {texts.colon}
        <strong>{clockSpan(range.fromMs, range.toMs, zone)}</strong>{" "}
        <span class="quiet">({durationText(texts.units, lengthMs)})</span>
      </span>
      {lengthMs > LONGEST_FILE_MS ? (
        <span role="alert">{texts.playback.tooLong}</span>
      ) : (
        cameras.map((camera) => (
          <Download
            // Another range is another file, and nothing is said of the one before.
            key={`${camera} ${range.fromMs} ${range.toMs}`}
            camera={camera}
            isOnly={cameras.length === 1}
            coverage={coverageOf(camera)}
            range={range}
          />
        ))
      )}
      <RangeHolds cameras={cameras} range={range} />
      <button type="button" onClick={onClear}>
        {texts.find.clear}
      </button>
    </fieldset>
  );
}

/** Return how much of the range the file has; empty if it has all, or if that is not known. */
function recordedPart(coverage: Coverage | undefined, range: Recorded, texts: Texts): string {
  if (coverage === undefined || !includes(coverage, range)) return "";
  const wholeMs = range.toMs - range.fromMs;
  const partMs = recordedMs(coverage, range);
  if (wholeMs - partMs < UNSEEN_MS) return "";
  if (partMs === 0) return texts.playback.nothingRecorded;
  const [part, whole] = [partMs, wholeMs].map((ms) => durationText(texts.units, ms));
  return texts.playback.recordedOf(part ?? "", whole ?? "");
}

interface DownloadProps {
  camera: string;
  isOnly: boolean;
  coverage: Coverage | undefined;
  range: Recorded;
}

/**
 * The browser downloads the file by itself, so it can also continue a broken download.
 *
 * A range with gaps is saved without them, which a warning says.
 */
function Download({ camera, isOnly, coverage, range }: DownloadProps) {
  const { texts, cameras, zone } = useConsole();
  const [isSaving, setSaving] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const name = cameraName(cameras, camera);
  const part = recordedPart(coverage, range, texts);
  const download = async () => {
    setFailure(null);
    setSaving(false);
    try {
      save(await addressOfFile(camera, range), fileName(camera, range));
      setSaving(true);
    } catch (error) {
      setFailure(failureOf(error));
    }
  };
  const saving = texts.playback.saving(name, clockSpan(range.fromMs, range.toMs, zone));
  return (
    <span class="row">
      <button type="button" class="download" onClick={() => void download()}>
        {isOnly ? texts.playback.save : texts.playback.saveOf(name)}
      </button>
      {part !== "" && !isSaving && <strong class="recorded-part">{part}</strong>}
      <span class={part === "" ? "saving" : "saving recorded-part"} role="status">
        {isSaving && [saving, part].filter(Boolean).join(texts.colon)}
      </span>
      {failure !== null && <Failed failure={failure} onRetry={() => void download()} />}
    </span>
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
