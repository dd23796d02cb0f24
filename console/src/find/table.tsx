// Results as a table of one line each.
import { cameraName, useConsole, useTimes } from "../shell/console-context.ts";
import type { ItemProps } from "./cards.tsx";
import { confidencePercent, tieText, wayOf } from "./facts.ts";
import { Picture } from "./picture.tsx";
import { PlateBadge } from "./plate-badge.tsx";

/** The names of the columns, above the list of lines. */
export function TableHead() {
  const { columns } = useConsole().texts.find;
  return (
    <div class="line line-head" aria-hidden="true">
      <span>{columns.picture}</span>
      <span>{columns.plate}</span>
      <span>{columns.time}</span>
      <span>{columns.camera}</span>
      <span>{columns.direction}</span>
      <span>{columns.confidence}</span>
      <span>{columns.match}</span>
    </div>
  );
}

export function Line({ found, index, isFocused, isPointed, onOpen }: ItemProps) {
  const { texts, cameras } = useConsole();
  const time = useTimes();
  const { event, match } = found;
  return (
    <button
      type="button"
      class={isPointed ? "line pointed" : "line"}
      data-index={index}
      tabIndex={isFocused ? 0 : -1}
      onClick={() => onOpen(index)}
    >
      <Picture class="crop-small" path={event.crop} alt="" />
      <span>
        <PlateBadge event={event} />
      </span>
      <time dateTime={event.started_at}>{time(event.started_at)}</time>
      <span class="cut">{cameraName(cameras, event.camera)}</span>
      <span class="cut">{wayOf(event, texts)}</span>
      <span>{confidencePercent(event)} %</span>
      <span class="cut" title={match?.reason ?? ""}>
        {tieText(match, texts)}
      </span>
    </button>
  );
}
