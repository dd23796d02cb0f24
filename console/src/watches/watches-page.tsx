// Watches: which vehicles the site waits for, until when and why; a new one, and the end of one.
import { useCallback, useState } from "preact/hooks";
import { allItems, api, reasonHeader, result, type Schemas } from "../api/client.ts";
import { dotted } from "../find/plate.ts";
import { ConfirmDialog } from "../shell/confirm-dialog.tsx";
import { hasRight, useConsole, useTimes } from "../shell/console-context.ts";
import { addressOf } from "../shell/route.ts";
import { Select } from "../shell/select.tsx";
import { Empty, Failed, Loading, NoRight } from "../shell/states.tsx";
import { useList } from "../shell/use-list.ts";
import { notificationState, requestNotifications, sound } from "./bell.ts";
import { passingsOf } from "./watch-end.ts";
import { WatchForm } from "./watch-form.tsx";

type WatchView = Schemas["WatchView"];

export function WatchesPage({ parameters }: { parameters: URLSearchParams }) {
  const { session } = useConsole();
  if (!hasRight(session, "watches")) return <NoRight right="watches" />;
  return <Watches plate={parameters.get("plate") ?? ""} />;
}

function Watches({ plate }: { plate: string }) {
  const { texts } = useConsole();
  const { watches } = texts;
  const [isOfEnded, setOfEnded] = useState(false);
  const read = useCallback(() => readWatches(isOfEnded), [isOfEnded]);
  const { items, failure, reload } = useList(read);
  const [ending, setEnding] = useState<WatchView | null>(null);
  return (
    <div class="watches">
      <WatchForm key={plate} plate={plate} onPlaced={reload} />
      <div class="row">
        <Select
          label={watches.show}
          value={isOfEnded ? "ended" : "active"}
          options={[
            ["active", watches.active],
            ["ended", watches.ended],
          ]}
          onChange={(chosen) => setOfEnded(chosen === "ended")}
        />
        <BellSettings />
      </div>
      {failure !== null && <Failed failure={failure} onRetry={reload} />}
      {items === null && failure === null && <Loading />}
      {items?.length === 0 && <Empty title={isOfEnded ? watches.noneEnded : watches.none} />}
      {items !== null && items.length > 0 && <WatchTable watches={items} onEnd={setEnding} />}
      {ending && (
        <ConfirmDialog
          title={watches.endOf(dotted(ending.plate))}
          explanation={watches.endExplanation}
          action={watches.end}
          onConfirm={async (reason) => {
            await endWatch(ending.id, reason);
            setEnding(null);
            reload();
          }}
          onClose={() => setEnding(null)}
        />
      )}
    </div>
  );
}

/** Whether hits may be shown outside of this page, and how they sound. */
function BellSettings() {
  const { watches } = useConsole().texts;
  const [state, setState] = useState(notificationState);
  return (
    <>
      <button type="button" onClick={sound}>
        {watches.trySound}
      </button>
      {state === "default" && (
        <button type="button" onClick={() => void requestNotifications().then(setState)}>
          {watches.allowNotifications}
        </button>
      )}
      {state !== "default" && <span class="hint">{watches.notifications[state]}</span>}
    </>
  );
}

interface WatchTableProps {
  watches: readonly WatchView[];
  onEnd: (watch: WatchView) => void;
}

function WatchTable(props: WatchTableProps) {
  const { watches } = useConsole().texts;
  return (
    <table class="people">
      <thead>
        <tr>
          {Object.entries(watches.columns).map(([name, text]) => (
            <th key={name} scope="col">
              {text}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {props.watches.map((watch) => (
          <WatchRow key={watch.id} watch={watch} onEnd={props.onEnd} />
        ))}
      </tbody>
    </table>
  );
}

function WatchRow({ watch, onEnd }: { watch: WatchView; onEnd: (watch: WatchView) => void }) {
  const { texts } = useConsole();
  const time = useTimes();
  const { watches } = texts;
  return (
    <tr>
      <th scope="row">
        <span class="whole">{dotted(watch.plate)}</span>
        {watch.fuzzy && <span class="quiet"> {watches.withMisreadings}</span>}
      </th>
      <td>
        {watch.ended === null
          ? time(watch.until)
          : watches.endedBy(watch.ended, watch.ended_by ?? "", time(watch.ended_at ?? watch.until))}
      </td>
      <td>{[watch.reason, watch.case].join(texts.list)}</td>
      <td>{[watch.placed_by, time(watch.placed_at)].join(texts.list)}</td>
      <td>
        <span class="row">
          <a href={addressOf("find", passingsOf(watch))}>{watches.passings}</a>
          {watch.ended === null && (
            <button type="button" onClick={() => onEnd(watch)}>
              {watches.end}
            </button>
          )}
        </span>
      </td>
    </tr>
  );
}

function readWatches(ended: boolean): Promise<WatchView[]> {
  return allItems((next) => {
    const query = { ended, limit: 500, ...(next === undefined ? {} : { next }) };
    return result(api.GET("/v1/watches", { params: { query } }));
  });
}

async function endWatch(id: string, reason: string): Promise<void> {
  const request = { params: { path: { id } }, headers: reasonHeader(reason) };
  await result(api.DELETE("/v1/watches/{id}", request));
}
