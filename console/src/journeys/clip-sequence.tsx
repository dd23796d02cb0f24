// The clips of a journey one after another: each begins when the one before it ends.
import { useState } from "preact/hooks";
import type { EventView } from "../api/client.ts";
import { Clip } from "../find/clip.tsx";
import { cameraName, useConsole, useTimes } from "../shell/console-context.ts";
import { Dialog } from "../shell/dialog.tsx";

interface ClipSequenceProps {
  sightings: readonly EventView[];
  onClose: () => void;
}

export function ClipSequence({ sightings, onClose }: ClipSequenceProps) {
  const { texts, cameras } = useConsole();
  const time = useTimes();
  const [at, setAt] = useState(0);
  const event = sightings[at];
  const last = sightings.length - 1;
  if (event === undefined) return null;
  return (
    <Dialog
      title={texts.journeys.clips}
      closeLabel={texts.shell.close}
      class="event-dialog"
      onClose={onClose}
    >
      <p role="status">
        {texts.journeys.clipOf(at + 1, sightings.length)}
        {texts.list}
        {cameraName(cameras, event.camera)}
        {texts.list}
        {time(event.best_at)}
      </p>
      <Clip key={event.id} event={event} onEnded={() => setAt(Math.min(at + 1, last))} />
      <div class="row event-steps">
        <button type="button" disabled={at === 0} onClick={() => setAt(at - 1)}>
          {texts.event.previous}
        </button>
        <button type="button" disabled={at === last} onClick={() => setAt(at + 1)}>
          {texts.event.next}
        </button>
      </div>
    </Dialog>
  );
}
