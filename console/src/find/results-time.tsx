// The results of a search on a time line: a row for each camera, linked to list by hovering.
import { useMemo } from "preact/hooks";
import { cameraName, useConsole, useTimes } from "../shell/console-context.ts";
import { plateText } from "./plate-badge.tsx";
import type { Found } from "./reading.ts";
import { type Mark, rowsOf } from "./result-rows.ts";

interface ResultsTimeProps {
  found: readonly Found[];
  /** The event and the camera that are pointed at, here or in the list. */
  pointedEvent: string | null;
  highlighted: string | null;
  onHover: (index: number | null) => void;
  onOpen: (index: number) => void;
}

/** Only a pointer needs the marks: keyboard and screen readers use the list next to it. */
export function ResultsTime(props: ResultsTimeProps) {
  const { texts, cameras } = useConsole();
  const time = useTimes();
  const { found } = props;
  const { rows, fromMs, toMs, left } = useMemo(() => rowsOf(found), [found]);
  return (
    <figure class="passing-rows" aria-label={texts.quickSearch.resultsOverTime}>
      <figcaption class="row">
        <time>{time(fromMs)}</time>
        <span class="quiet">{left > 0 && texts.quickSearch.leftOut(left)}</span>
        <time>{time(toMs)}</time>
      </figcaption>
      <div aria-hidden="true" onPointerLeave={() => props.onHover(null)}>
        {rows.map(({ camera, marks }) => (
          <div
            key={camera}
            class={
              camera !== "" && camera === props.highlighted ? "passing-row pointed" : "passing-row"
            }
          >
            <span class="passing-camera cut">
              {camera === "" ? texts.quickSearch.otherCameras : cameraName(cameras, camera)}
            </span>
            <span class="passing-axis">
              {marks.map((mark) => (
                <MarkOfResult key={mark.id} mark={mark} {...props} found={found[mark.index]} />
              ))}
            </span>
          </div>
        ))}
      </div>
    </figure>
  );
}

type MarkProps = Omit<ResultsTimeProps, "found"> & { mark: Mark; found: Found | undefined };

function MarkOfResult({ mark, found, pointedEvent, onHover, onOpen }: MarkProps) {
  const { texts } = useConsole();
  const time = useTimes();
  if (found === undefined) return null;
  return (
    <button
      type="button"
      tabIndex={-1}
      class={mark.id === pointedEvent ? "passing-mark pointed" : "passing-mark"}
      data-mark={mark.index}
      title={`${plateText(found.event, texts)} ${time(mark.atMs)}`}
      style={{ insetInlineStart: `${100 * mark.part}%` }}
      onPointerEnter={() => onHover(mark.index)}
      onClick={() => onOpen(mark.index)}
    />
  );
}
