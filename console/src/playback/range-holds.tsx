// The legal holds on the chosen range: which are in force, a new one, and the release of one.
import { useCallback, useEffect, useState } from "preact/hooks";
import { allItems, api, reasonHeader, result, type Schemas } from "../api/client.ts";
import { ConfirmDialog } from "../shell/confirm-dialog.tsx";
import { cameraName, hasRight, useConsole, useTimes } from "../shell/console-context.ts";
import { Failed } from "../shell/states.tsx";
import { type List, useList } from "../shell/use-list.ts";
import type { Recorded } from "./coverage.ts";
import { holdsInForce, isKept } from "./holds.ts";

type HoldView = Schemas["HoldView"];
/** Each list is in the audit log, so it waits until the range rests. */
const SETTLED_AFTER_MS = 400;

interface RangeHoldsProps {
  cameras: readonly string[];
  range: Recorded;
}

export function RangeHolds(props: RangeHoldsProps) {
  const { session } = useConsole();
  return hasRight(session, "evidence") ? <KnownHolds {...props} /> : null;
}

function KnownHolds({ cameras, range }: RangeHoldsProps) {
  const { texts } = useConsole();
  const { items, failure, reload } = useHoldsOf(cameras, range);
  const [placed, setPlaced] = useState<readonly HoldView[]>([]);
  // A hold can be placed although the list of the others is not there.
  const holds = holdsInForce(items ?? [], placed, cameras, range, Date.now());
  const open = cameras.filter((camera) => !isKept(holds, camera, range));
  const add = (hold: HoldView) => setPlaced((earlier) => [...earlier, hold]);
  return (
    <>
      {open.length === 0 ? (
        <span role="status">{texts.playback.kept}</span>
      ) : (
        <Keep cameras={open} range={range} onPlaced={add} onDone={reload} />
      )}
      {failure !== null && <Failed failure={failure} onRetry={reload} />}
      {holds.length > 0 && (
        <ul class="holds" aria-label={texts.playback.holds}>
          {holds.map((hold) => (
            <HoldLine key={hold.id} hold={hold} onReleased={reload} />
          ))}
        </ul>
      )}
    </>
  );
}

interface KeepProps extends RangeHoldsProps {
  onPlaced: (hold: HoldView) => void;
  onDone: () => void;
}

/** A button that places a hold on each camera, after a confirmation with the reason. */
function Keep({ cameras, range, onPlaced, onDone }: KeepProps) {
  const { texts, cameras: known } = useConsole();
  const time = useTimes();
  const [isAsking, setAsking] = useState(false);
  const { playback } = texts;
  const names = cameras.map((id) => cameraName(known, id)).join(texts.list);
  const span = `${time(range.fromMs)} – ${time(range.toMs)}`;
  const place = async (reason: string) => {
    const from = new Date(range.fromMs).toISOString();
    const to = new Date(range.toMs).toISOString();
    // After a failure, the cameras that have a hold are no longer among those that are left.
    for (const camera of cameras) {
      const body = { camera, from, to, reason, event: null, until: null };
      onPlaced(await result(api.POST("/v1/holds", { body })));
    }
    setAsking(false);
    onDone();
  };
  return (
    <>
      <button type="button" onClick={() => setAsking(true)}>
        {playback.keep}
      </button>
      {isAsking && (
        <ConfirmDialog
          title={playback.keepTitle}
          explanation={playback.keepExplanation(names, span)}
          action={playback.keep}
          onConfirm={place}
          onClose={() => setAsking(false)}
        />
      )}
    </>
  );
}

/** One hold, and a button that releases it, after a confirmation with the reason. */
function HoldLine({ hold, onReleased }: { hold: HoldView; onReleased: () => void }) {
  const { texts, cameras } = useConsole();
  const time = useTimes();
  const [isAsking, setAsking] = useState(false);
  const { playback } = texts;
  const name = cameraName(cameras, hold.camera ?? "");
  const span = `${time(hold.from)} – ${time(hold.to)}`;
  const release = async (reason: string) => {
    const request = { params: { path: { id: hold.id } }, headers: reasonHeader(reason) };
    await result(api.DELETE("/v1/holds/{id}", request));
    setAsking(false);
    onReleased();
  };
  return (
    <li>
      <span>
        {playback.holdOf(name, span)} <span class="quiet">{hold.reason}</span>{" "}
        <span class="quiet">
          (
          {[hold.placed_by, hold.until && playback.holdEnds(time(hold.until))]
            .filter(Boolean)
            .join(texts.list)}
          )
        </span>
      </span>
      <button type="button" onClick={() => setAsking(true)}>
        {playback.release}
      </button>
      {isAsking && (
        <ConfirmDialog
          title={playback.releaseTitle}
          explanation={playback.releaseExplanation(name, span)}
          action={playback.release}
          onConfirm={release}
          onClose={() => setAsking(false)}
        />
      )}
    </li>
  );
}

/** Read the holds that protect a part of the range of the cameras. */
function useHoldsOf(cameras: readonly string[], range: Recorded): List<HoldView> {
  const key = useSettled(JSON.stringify([cameras, range.fromMs, range.toMs]), SETTLED_AFTER_MS);
  const read = useCallback(async () => {
    const [ids, fromMs, toMs]: [string[], number, number] = JSON.parse(key);
    const asked = { from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString() };
    const lists = await Promise.all(ids.map((camera) => readHolds({ ...asked, camera })));
    return lists.flat();
  }, [key]);
  return useList(read);
}

/** Return a value after it has not changed for a while. */
function useSettled(value: string, afterMs: number): string {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), afterMs);
    return () => clearTimeout(timer);
  }, [value, afterMs]);
  return settled;
}

function readHolds(asked: { camera: string; from: string; to: string }): Promise<HoldView[]> {
  return allItems((next) => {
    const query = next === undefined ? asked : { ...asked, next };
    return result(api.GET("/v1/holds", { params: { query } }));
  });
}
