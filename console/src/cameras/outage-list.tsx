// The cameras that were not recorded in a range: how long, when, and why.
import { useCallback, useMemo } from "preact/hooks";
import { allItems, api, type CameraView, result, type Schemas } from "../api/client.ts";
import { sentenceOf } from "../api/message.ts";
import { momentOf } from "../playback/playback-query.ts";
import { cameraName, hasRight, useConsole, useTimes } from "../shell/console-context.ts";
import { addressOf } from "../shell/route.ts";
import { Empty, Failed, Loading } from "../shell/states.tsx";
import { useList } from "../shell/use-list.ts";
import { durationText } from "../time/amounts.ts";
import { shownOutages, withExamined } from "./outages.ts";
import { type Examination, type ExaminedRange, useExamination } from "./use-examination.ts";

type OutageView = Schemas["OutageView"];
type CauseView = Schemas["CauseOfOutageView"];
/** What is shown of the time before an outage. */
const BEFORE_MS = 10_000;

/** The API examines at most this range. */
const LONGEST_EXAMINED_MS = 86_400_000;

interface OutageListProps extends ExaminedRange {
  /** The cameras that the filters of the page leave. */
  cameras: readonly CameraView[];
  onOpen: (id: string) => void;
}

export function OutageList(props: OutageListProps) {
  const { fromMs, toMs, cameras, onOpen } = props;
  const { texts, language } = useConsole();
  const examination = useExamination(props, language);
  // The causes are sentences of the API, in the language of the request.
  const read = useCallback(() => readOutages(fromMs, toMs), [fromMs, toMs, language]);
  const { items: pages, failure, reload } = useList(read);
  const ids = useMemo(() => new Set(cameras.map(({ id }) => id)), [cameras]);
  if (failure !== null) return <Failed failure={failure} onRetry={reload} />;
  if (pages === null) return <Loading />;
  const examined = examination.pages;
  const isDone = examination.phase === "done";
  const isComplete = isDone && examined.every((page) => page.unexamined.length === 0);
  const offline = [
    ...new Set((isDone ? examined : [...pages, ...examined]).flatMap((page) => page.offline)),
  ];
  const shown = shownOutages(withExamined(itemsOf(pages), itemsOf(examined)), ids);
  return (
    <>
      {offline.length > 0 && (
        <p class="notice" role="alert">
          {texts.outages.offline(offline.join(texts.list))}
        </p>
      )}
      <Examine examination={examination} isShort={toMs - fromMs <= LONGEST_EXAMINED_MS} />
      {shown.length === 0 && offline.length === 0 && (
        <Empty title={isComplete ? texts.outages.noneAtAll : texts.outages.none} />
      )}
      {shown.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: without a focus, keys could not scroll it
        <section class="results outages" aria-label={texts.outages.title} tabIndex={0}>
          <p role="status">{texts.outages.shown(shown.length, cameras.length)}</p>
          <OutageTable outages={shown} onOpen={onOpen} />
        </section>
      )}
    </>
  );
}

/** Gaps that no node has logged are found by a look at the recordings. */
function Examine(props: { examination: Examination; isShort: boolean }) {
  const { texts, cameras } = useConsole();
  const { phase, pages, failure, begin } = props.examination;
  const { outages } = texts;
  const unexamined = pages.flatMap((page) => page.unexamined);
  const examined = pages.reduce((total, page) => total + page.examined, 0);
  const names = unexamined.map((id) => cameraName(cameras, id)).join(texts.list);
  if (failure !== null) return <Failed failure={failure} onRetry={begin} />;
  return (
    <>
      <p class="row hint" role="status">
        {phase === "idle" && outages.unlogged} {phase === "running" && outages.examining(examined)}
        {phase === "done" && outages.examined}
        {phase === "idle" && props.isShort && (
          <button type="button" onClick={begin}>
            {outages.examine}
          </button>
        )}
        {phase === "idle" && !props.isShort && outages.chooseLess}
      </p>
      {unexamined.length > 0 && <p class="hint">{outages.unexamined(names)}</p>}
    </>
  );
}

function itemsOf(pages: readonly Schemas["OutageList"][]): OutageView[] {
  return pages.flatMap((page) => page.items);
}

function OutageTable(props: { outages: readonly OutageView[]; onOpen: (id: string) => void }) {
  const { texts } = useConsole();
  const { columns } = texts.outages;
  return (
    <table class="people">
      <thead>
        <tr>
          <th scope="col">{texts.find.camera}</th>
          <th scope="col">{columns.missing}</th>
          <th scope="col">{columns.first}</th>
          <th scope="col">{columns.last}</th>
          <th scope="col">{columns.causes}</th>
        </tr>
      </thead>
      <tbody>
        {props.outages.map((outage) => (
          <OutageRow key={outage.camera} outage={outage} onOpen={props.onOpen} />
        ))}
      </tbody>
    </table>
  );
}

function OutageRow({ outage, onOpen }: { outage: OutageView; onOpen: (id: string) => void }) {
  const { texts, cameras, session } = useConsole();
  const time = useTimes();
  const name = cameraName(cameras, outage.camera);
  const firstMs = Math.min(...outage.causes.map((one) => Date.parse(one.first_at)));
  const lastMs = Math.max(...outage.causes.map((one) => Date.parse(one.last_at)));
  const gaps = outage.causes.reduce((total, one) => total + one.gaps, 0);
  return (
    <tr>
      <th scope="row">
        <button type="button" onClick={() => onOpen(outage.camera)}>
          {name}
        </button>
      </th>
      <td>
        {durationText(texts.units, outage.missing_ms)}
        <div class="quiet">{texts.outages.times(gaps)}</div>
      </td>
      <td>
        {hasRight(session, "recordings_read") ? (
          <a
            href={addressOf("playback", momentOf(outage.camera, firstMs - BEFORE_MS))}
            title={texts.outages.playback(name)}
          >
            {time(firstMs)}
          </a>
        ) : (
          time(firstMs)
        )}
      </td>
      <td>{outage.ongoing ? texts.outages.ongoing : time(lastMs)}</td>
      <td>
        {outage.causes.map((cause) => (
          <Cause key={cause.cause} cause={cause} isOnly={outage.causes.length === 1} />
        ))}
      </td>
    </tr>
  );
}

function Cause({ cause, isOnly }: { cause: CauseView; isOnly: boolean }) {
  const { texts } = useConsole();
  const duration = isOnly ? "" : durationText(texts.units, cause.missing_ms);
  return (
    <div>
      {texts.playback.causes[cause.cause]}
      {duration && `${texts.list}${duration}`}
      {cause.detail && <div class="quiet">{sentenceOf(cause.message, cause.detail)}</div>}
    </div>
  );
}

/** Return all pages, of which each says which nodes did not respond. */
async function readOutages(fromMs: number, toMs: number): Promise<Schemas["OutageList"][]> {
  const pages: Schemas["OutageList"][] = [];
  await allItems(async (next) => {
    const query = {
      from: new Date(fromMs).toISOString(),
      to: new Date(toMs).toISOString(),
      ...(next === undefined ? {} : { next }),
    };
    const page = await result(api.GET("/v1/outages", { params: { query } }));
    pages.push(page);
    return page;
  });
  return pages;
}
