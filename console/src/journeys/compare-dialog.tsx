// Two sightings side by side: is it one vehicle, a cloned plate, or a misreading?
import type { EventView, Schemas } from "../api/client.ts";
import { Correction } from "../find/correction.tsx";
import { Picture } from "../find/picture.tsx";
import { PlateBadge, plateText } from "../find/plate-badge.tsx";
import { cameraName, useConsole, useTimes } from "../shell/console-context.ts";
import { Dialog } from "../shell/dialog.tsx";
import { LegFacts } from "./leg-facts.tsx";

interface CompareDialogProps {
  leg: Schemas["LegView"];
  pair: readonly EventView[];
  onCorrected: (event: EventView) => void;
  onClose: () => void;
}

export function CompareDialog({ leg, pair, onCorrected, onClose }: CompareDialogProps) {
  const { texts } = useConsole();
  return (
    <Dialog
      class="compare-dialog"
      title={texts.journeys.compareTitle}
      closeLabel={texts.shell.close}
      onClose={onClose}
    >
      <LegFacts leg={leg} />
      <div class="compare">
        {pair.map((event) => (
          <Side key={event.id} event={event} onCorrected={onCorrected} />
        ))}
      </div>
    </Dialog>
  );
}

function Side(props: { event: EventView; onCorrected: (event: EventView) => void }) {
  const { texts, cameras } = useConsole();
  const time = useTimes();
  const { event } = props;
  const name = cameraName(cameras, event.camera);
  return (
    <section class="stack" aria-label={name}>
      <p class="row">
        <PlateBadge event={event} /> <strong>{name}</strong>
        <time dateTime={event.best_at}>{time(event.best_at)}</time>
      </p>
      <Picture
        class="event-snapshot"
        path={event.snapshot}
        alt={texts.find.snapshotOf(plateText(event, texts))}
      />
      <Picture class="event-crop" path={event.crop} alt={plateText(event, texts)} />
      <Correction {...props} />
    </section>
  );
}
