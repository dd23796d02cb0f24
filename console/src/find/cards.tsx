// Results as cards: picture, crop, plate, camera and time.
import { cameraName, useConsole, useTimes } from "../shell/console-context.ts";
import { clipText, confidencePercent, tieText } from "./facts.ts";
import { Picture } from "./picture.tsx";
import { PlateBadge } from "./plate-badge.tsx";
import type { Found } from "./reading.ts";

export interface ItemProps {
  found: Found;
  index: number;
  isFocused: boolean;
  /** Whether its camera is pointed at elsewhere. */
  isPointed: boolean;
  onOpen: (index: number) => void;
}

export function Card({ found, index, isFocused, isPointed, onOpen }: ItemProps) {
  const { texts, cameras } = useConsole();
  const time = useTimes();
  const { event, match } = found;
  const tie = tieText(match, texts);
  return (
    <button
      type="button"
      class={isPointed ? "card pointed" : "card"}
      data-index={index}
      tabIndex={isFocused ? 0 : -1}
      onClick={() => onOpen(index)}
    >
      <span class="card-pictures">
        <Picture class="snapshot" path={event.snapshot} alt="" />
        <Picture class={`crop crop-${event.kind}`} path={event.crop} alt="" />
      </span>
      <span class="card-line">
        <PlateBadge event={event} />
        {tie && (
          <span class="tie" title={match?.reason ?? ""}>
            {tie}
          </span>
        )}
        <span class="quiet">{clipText(event, texts)}</span>
      </span>
      <span class="card-camera">{cameraName(cameras, event.camera)}</span>
      <span class="card-line quiet">
        <time dateTime={event.started_at}>{time(event.started_at)}</time>
        <span>{texts.find.confidence(confidencePercent(event))}</span>
      </span>
    </button>
  );
}
