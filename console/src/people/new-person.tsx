// The dialog that adds a person or a machine.
import { useState } from "preact/hooks";
import { ReasonField } from "../shell/confirm-dialog.tsx";
import { useConsole } from "../shell/console-context.ts";
import { Dialog } from "../shell/dialog.tsx";
import { useAction } from "../shell/use-action.ts";
import { ExpiryField, expiryOf } from "./expiry-field.tsx";
import { NEW_PERSON } from "./person-draft.ts";
import { PersonFields } from "./person-fields.tsx";
import { addPerson } from "./person-requests.ts";

interface NewPersonProps {
  onAdded: (token: string, warnings: readonly string[]) => void;
  onClose: () => void;
}

export function NewPerson({ onAdded, onClose }: NewPersonProps) {
  const { texts, zone } = useConsole();
  const { people } = texts;
  const [draft, setDraft] = useState(NEW_PERSON);
  const { notice, isBusy, run } = useAction();
  return (
    <Dialog class="confirm" title={people.add} closeLabel={texts.reason.cancel} onClose={onClose}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          const form = new FormData(event.currentTarget);
          const name = `${form.get("name")}`.trim();
          const reason = `${form.get("reason")}`.trim();
          void run(async () => {
            const added = await addPerson(name, draft, expiryOf(form, zone), reason);
            onAdded(added.token, added.warnings ?? []);
          });
        }}
      >
        {notice && (
          <p class="notice" role="alert">
            {notice}
          </p>
        )}
        <label class="field">
          <span>{people.columns.name}</span>
          <input name="name" maxLength={64} autocomplete="off" required />
          <small class="hint">{people.nameHint}</small>
        </label>
        <PersonFields draft={draft} onChange={(changed) => setDraft({ ...draft, ...changed })} />
        <ExpiryField />
        <ReasonField />
        <button type="submit" class="primary" disabled={isBusy}>
          {people.add}
        </button>
      </form>
    </Dialog>
  );
}
