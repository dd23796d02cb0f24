// Exports: the recordings of several cameras as one file, made in the background.
import { useState } from "preact/hooks";
import { api, result, send } from "../api/client.ts";
import { usesToken } from "../api/credentials.ts";
import { sentenceOf } from "../api/message.ts";
import { type Failure, failureOf, problemOf } from "../api/problem.ts";
import { cameraName, hasRight, useConsole, useTimes } from "../shell/console-context.ts";
import { Empty, Failed, Loading, NoRight } from "../shell/states.tsx";
import { sizeText } from "./export-draft.ts";
import { ExportForm } from "./export-form.tsx";
import { type ExportView, isBeingMade, useExports } from "./use-exports.ts";

export function ExportsPage({ parameters }: { parameters: URLSearchParams }) {
  const { session } = useConsole();
  if (!hasRight(session, "recordings_read")) return <NoRight right="recordings_read" />;
  return <ExportList address={parameters.toString()} />;
}

function ExportList({ address }: { address: string }) {
  const { texts, language } = useConsole();
  const { items, failure, reload } = useExports(language);
  const { columns } = texts.exports;
  return (
    <div class="exports">
      <ExportForm address={address} onCreated={reload} />
      {failure !== null && <Failed failure={failure} onRetry={reload} />}
      {items === null && failure === null && <Loading />}
      {items?.length === 0 && <Empty title={texts.exports.empty} />}
      {items !== null && items.length > 0 && (
        <table class="export-list">
          <thead>
            <tr>
              <th scope="col">{columns.created}</th>
              <th scope="col">{columns.ranges}</th>
              <th scope="col">{columns.reason}</th>
              <th scope="col">{columns.state}</th>
              <th scope="col">{columns.actions}</th>
            </tr>
          </thead>
          <tbody>
            {items.map((one) => (
              <ExportRow key={one.id} export={one} onChange={reload} />
            ))}
          </tbody>
        </table>
      )}
    </div>
  );
}

interface ExportRowProps {
  export: ExportView;
  onChange: () => void;
}

function ExportRow({ export: one, onChange }: ExportRowProps) {
  const { texts, cameras } = useConsole();
  const time = useTimes();
  const [failure, setFailure] = useState<Failure | null>(null);
  const attempt = (work: () => Promise<void>) => {
    setFailure(null);
    work().catch((error: unknown) => setFailure(failureOf(error)));
  };
  const isOpen = !["deleted", "expired", "failed"].includes(one.state);
  return (
    <tr>
      <td>
        <time dateTime={one.created_at}>{time(one.created_at)}</time>
        <div class="quiet">{one.person}</div>
      </td>
      <td>
        {one.ranges.map((range) => (
          <div key={range.camera + range.from}>
            {cameraName(cameras, range.camera)}{" "}
            <span class="quiet">
              {time(range.from)} – {time(range.to)}
            </span>
          </div>
        ))}
      </td>
      <td>{[one.reason, one.case].filter(Boolean).join(texts.list)}</td>
      <td>
        <ExportState export={one} />
        {failure !== null && <p role="alert">{failure.message || texts.states.failed}</p>}
      </td>
      <td>
        <div class="row">
          {one.file !== null && <Download path={one.file} attempt={attempt} onChange={onChange} />}
          {isOpen && (
            <button
              type="button"
              onClick={() =>
                attempt(async () => {
                  await deleteExport(one.id);
                  onChange();
                })
              }
            >
              {texts.exports.delete}
            </button>
          )}
        </div>
      </td>
    </tr>
  );
}

function ExportState({ export: one }: { export: ExportView }) {
  const { texts } = useConsole();
  const time = useTimes();
  const percent = Math.floor(100 * (one.progress ?? 0));
  return (
    <>
      <span class={one.why === null ? "" : "state-bad"}>{texts.exports.states[one.state]}</span>
      {isBeingMade(one) && (
        <progress value={percent} max={100} aria-label={texts.exports.states.reading}>
          {percent} %
        </progress>
      )}
      {one.size_bytes !== null && <span class="quiet"> {sizeText(one.size_bytes)}</span>}
      {one.gap_count > 0 && <div>{texts.exports.gaps(one.gap_count)}</div>}
      {one.why !== null && <div>{sentenceOf(one.message, one.why)}</div>}
      {one.file !== null && <div class="quiet">{texts.exports.expires(time(one.expires_at))}</div>}
    </>
  );
}

interface DownloadProps {
  path: string;
  attempt: (work: () => Promise<void>) => void;
  onChange: () => void;
}

/** A button that checks the file before the browser downloads it, so that a cause is shown here. */
function Download({ path, attempt, onChange }: DownloadProps) {
  const { texts } = useConsole();
  // The browser sends the cookie of a session with a download, and never a token.
  if (usesToken()) return <small>{texts.exports.needsSession}</small>;
  const download = async () => {
    const answer = await send(new Request(path, { method: "HEAD", cache: "no-store" }));
    if (answer.ok) location.assign(path);
    else if (answer.status === 410) onChange();
    else throw problemOf(answer, null);
  };
  return (
    <button type="button" class="primary" onClick={() => attempt(download)}>
      {texts.exports.download}
    </button>
  );
}

async function deleteExport(id: string): Promise<void> {
  await result(api.DELETE("/v1/exports/{id}", { params: { path: { id } } }));
}
