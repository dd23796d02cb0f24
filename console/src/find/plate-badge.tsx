// A plate in the colours of the plate, with what is uncertain about it.
import type { EventView } from "../api/client.ts";
import { useConsole } from "../shell/console-context.ts";
import type { Texts } from "../texts/en.ts";
import { dotted } from "./plate.ts";

/** Return the valid plate of an event: a person's correction, or the reading; empty if unread. */
export function plateOf(event: EventView): string {
  return event.corrected?.text || event.plate?.text || "";
}

/** Return what stands on the badge of an event. */
export function plateText(event: EventView, texts: Texts): string {
  if (event.plate === null) return texts.find.face;
  const plate = plateOf(event);
  if (plate) return dotted(plate);
  const guess = event.plate.alternatives[0];
  return guess === undefined ? texts.find.unread : texts.find.maybe(dotted(guess.text));
}

export function PlateBadge({ event }: { event: EventView }) {
  const { texts } = useConsole();
  const isRead = plateOf(event) !== "";
  const color = isRead ? (event.plate?.color ?? "unknown") : "unknown";
  return (
    <span class={`plate plate-${color} ${isRead ? "" : "plate-unread"}`}>
      {plateText(event, texts)}
    </span>
  );
}
