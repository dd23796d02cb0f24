// One camera: its registry entry, its state with the cause, and a picture to aim it by.
import { useState } from "preact/hooks";
import type { CameraView } from "../api/client.ts";
import { usePicture } from "../api/use-content.ts";
import { EMPTY_SEARCH, parametersOf } from "../find/search.ts";
import { hasRight, useConsole, useTimes } from "../shell/console-context.ts";
import { Dialog } from "../shell/dialog.tsx";
import { addressOf } from "../shell/route.ts";
import { Failed } from "../shell/states.tsx";
import { causeOf, errorOf, StateMark, streamText } from "./camera-state.tsx";

export function CameraDialog({ camera, onClose }: { camera: CameraView; onClose: () => void }) {
  const { texts, session } = useConsole();
  return (
    <Dialog title={camera.name} closeLabel={texts.shell.close} onClose={onClose}>
      <div class="event">
        <div class="event-media">
          {hasRight(session, "test_picture") && <TestPicture camera={camera} />}
        </div>
        <div class="event-facts">
          <p>
            <StateMark camera={camera} texts={texts} />
          </p>
          <CameraFacts camera={camera} />
          {hasRight(session, "live_view") && (
            <a href={addressOf("live", new URLSearchParams({ cameras: camera.id }))}>
              {texts.cameras.watch}
            </a>
          )}{" "}
          {hasRight(session, "events_read") && (
            <a href={addressOf("find", parametersOf({ ...EMPTY_SEARCH, camera: camera.id }))}>
              {texts.cameras.findEvents}
            </a>
          )}{" "}
          {hasRight(session, "recordings_read") && (
            <a href={addressOf("playback", new URLSearchParams({ camera: camera.id }))}>
              {texts.cameras.playback}
            </a>
          )}
        </div>
      </div>
    </Dialog>
  );
}

function CameraFacts({ camera }: { camera: CameraView }) {
  const { texts } = useConsole();
  const time = useTimes();
  const { columns } = texts.cameras;
  const moment = (instant: string | null) => (instant === null ? "" : time(instant));
  const rows: [string, string][] = [
    [texts.event.id, camera.id],
    [columns.class, camera.class],
    [columns.area, camera.area_name],
    [texts.cameras.address, camera.url],
    [columns.since, moment(camera.since)],
    [columns.cause, causeOf(camera, texts)],
    [texts.cameras.lastError, errorOf(camera)],
    [texts.cameras.lastErrorAt, moment(camera.last_error_at)],
    [columns.stream, streamText(camera, texts)],
    [texts.cameras.lastFrame, moment(camera.last_frame_at)],
    [texts.cameras.recordedUntil, moment(camera.recorded_until)],
    [texts.cameras.node, camera.node ?? ""],
    [texts.cameras.reconnects, String(camera.reconnects)],
    [texts.cameras.lostPackets, String(camera.lost_packets)],
  ];
  return (
    <dl class="facts">
      {rows
        .filter(([, value]) => value !== "")
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}

/** A picture is an evidence access, so it is fetched only when the person asks for it. */
function TestPicture({ camera }: { camera: CameraView }) {
  const { texts } = useConsole();
  const [round, setRound] = useState(0);
  const path = `/v1/cameras/${encodeURIComponent(camera.id)}/test-picture`;
  return (
    <>
      {round > 0 && (
        <FetchedPicture
          key={round}
          path={path}
          name={camera.name}
          onRetry={() => setRound(round + 1)}
        />
      )}
      <button type="button" onClick={() => setRound(round + 1)}>
        {texts.cameras.fetchPicture}
      </button>
    </>
  );
}

function FetchedPicture(props: { path: string; name: string; onRetry: () => void }) {
  const { texts } = useConsole();
  const { url, failure } = usePicture(props.path, true);
  if (failure !== null) return <Failed failure={failure} onRetry={props.onRetry} />;
  if (url === null) return <p role="status">{texts.states.loading}</p>;
  return <img class="event-snapshot" src={url} alt={texts.cameras.pictureOf(props.name)} />;
}
