// City: what a command centre watches on its wall. Cameras by state, passings, recording, load.
import type { ComponentChildren } from "preact";
import { CameraMap } from "../cameras/camera-map.tsx";
import type { Cameras } from "../cameras/use-cameras.ts";
import { barHeights } from "../find/histogram-range.ts";
import { UnanalysedNotice } from "../find/unanalysed-notice.tsx";
import { hasRight, useConsole } from "../shell/console-context.ts";
import { addressOf } from "../shell/route.ts";
import { Failed, NoRight } from "../shell/states.tsx";
import {
  camerasBySeverity,
  diskPart,
  lastWholeMinute,
  type NodeView,
  nodesOffline,
  notRecorded,
} from "./city-figures.ts";
import { useCity } from "./use-city.ts";

export function CityPage({ cameras }: { cameras: Cameras }) {
  const { session } = useConsole();
  if (!hasRight(session, "cameras_read")) return <NoRight right="cameras_read" />;
  return <Figures cameras={cameras} />;
}

function Figures({ cameras }: { cameras: Cameras }) {
  const { texts, session, purpose } = useConsole();
  const { scope } = session;
  const isLimited = [scope.areas, scope.classes, scope.cameras].some((one) => one.length > 0);
  // A count of passings is a search, and a wall should not stand still until it has a reason.
  const hasPurpose = !session.reason_required || purpose.reason !== "";
  const mayFindEvents = hasRight(session, "events_read") && hasPurpose;
  const { nodes, minutes, unanalysed, failure } = useCity(!isLimited, mayFindEvents);
  const counts = camerasBySeverity(cameras.areas);
  const faulty = addressOf("cameras", new URLSearchParams({ state: "faulty" }));
  const shownFailure = failure ?? cameras.failure;
  return (
    <div class="city">
      <div class="city-figures">
        <Figure name={texts.city.live} value={counts.live} />
        <Figure name={texts.city.warned} value={counts.warned} />
        <Figure name={texts.city.bad} value={counts.bad} isBad={counts.bad > 0}>
          <a href={faulty}>{texts.city.showFaults}</a>
        </Figure>
        <Figure name={texts.city.idle} value={counts.idle} />
        {minutes !== null && (
          <Figure name={texts.city.passings} value={lastWholeMinute(minutes)}>
            <Minutes counts={minutes} />
          </Figure>
        )}
        {nodes !== null && (
          <>
            <Figure
              name={texts.city.notRecorded}
              value={notRecorded(nodes)}
              isBad={notRecorded(nodes) > 0}
            />
            {nodesOffline(nodes) > 0 && (
              <Figure name={texts.city.offline} value={nodesOffline(nodes)} isBad />
            )}
          </>
        )}
        {unanalysed !== null && (
          <Figure
            name={texts.unanalysed.now}
            value={unanalysed.camera_count}
            isBad={unanalysed.camera_count > 0}
          />
        )}
      </div>
      <UnanalysedNotice view={unanalysed} />
      {shownFailure !== null && <Failed failure={shownFailure} onRetry={cameras.reload} />}
      <div class="city-main">
        <CameraMap cameras={[...cameras.all.values()]} onOpen={watch} />
        {nodes !== null && <Nodes nodes={nodes} />}
      </div>
    </div>
  );
}

function watch(id: string): void {
  window.location.hash = addressOf("live", new URLSearchParams({ size: "1", cameras: id }));
}

interface FigureProps {
  name: string;
  value: number;
  isBad?: boolean;
  children?: ComponentChildren;
}

function Figure({ name, value, isBad, children }: FigureProps) {
  return (
    <section class={isBad ? "city-figure city-bad" : "city-figure"} aria-label={name}>
      <span>{name}</span>
      <strong>{value}</strong>
      {children}
    </section>
  );
}

function Minutes({ counts }: { counts: readonly number[] }) {
  const { texts } = useConsole();
  return (
    <div class="city-minutes" role="img" aria-label={texts.city.lastHour}>
      {barHeights(counts).map((height, index) => (
        <span key={index} class="bar" style={{ "--height": `${100 * height}%` }} />
      ))}
    </div>
  );
}

function Nodes({ nodes }: { nodes: readonly NodeView[] }) {
  const { texts } = useConsole();
  const { columns } = texts.city;
  return (
    <table class="city-nodes">
      <thead>
        <tr>
          <th scope="col">{columns.node}</th>
          <th scope="col">{columns.state}</th>
          <th scope="col">{columns.processor}</th>
          <th scope="col">{columns.disk}</th>
          <th scope="col">{columns.storage}</th>
          <th scope="col">{columns.waiting}</th>
        </tr>
      </thead>
      <tbody>
        {nodes.map((node) => (
          <tr key={node.id}>
            <th scope="row">{node.id}</th>
            <td class={node.state === "online" ? "" : "city-warning"}>
              {texts.city.states[node.state]}
            </td>
            <td>{percentText(node.report?.load.processor)}</td>
            <td>{percentText(node.report?.load.disk)}</td>
            <td>{percentText(diskPart(node))}</td>
            <td>{node.report?.spool_events ?? ""}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function percentText(part: number | null | undefined): string {
  return part === null || part === undefined ? "" : `${Math.round(100 * part)} %`;
}
