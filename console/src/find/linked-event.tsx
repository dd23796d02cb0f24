// The passing that an address names by its id, above the search of the same address.
import { useCallback, useState } from "preact/hooks";
import { api, type EventView, result } from "../api/client.ts";
import { useConsole } from "../shell/console-context.ts";
import { Dialog } from "../shell/dialog.tsx";
import { Failed, Loading } from "../shell/states.tsx";
import { useList } from "../shell/use-list.ts";
import { EventDialog } from "./event-dialog.tsx";

export function LinkedEvent({ id, onClose }: { id: string; onClose: () => void }) {
  const { texts } = useConsole();
  const read = useCallback(() => readEvent(id), [id]);
  const { items, failure, reload } = useList(read);
  const [corrected, setCorrected] = useState<EventView | null>(null);
  const event = corrected ?? items?.[0];
  if (event !== undefined) {
    const found = { event, match: null };
    return (
      <EventDialog
        found={found}
        onCorrected={setCorrected}
        onClose={onClose}
        onPrevious={null}
        onNext={null}
      />
    );
  }
  return (
    <Dialog title={texts.event.title} closeLabel={texts.shell.close} onClose={onClose}>
      {failure === null ? <Loading /> : <Failed failure={failure} onRetry={reload} />}
    </Dialog>
  );
}

async function readEvent(id: string): Promise<EventView[]> {
  return [await result(api.GET("/v1/events/{id}", { params: { path: { id } } }))];
}
