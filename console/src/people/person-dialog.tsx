// One person: role, rights and scope to change, tokens to add and to revoke, and the removal.
import { useCallback, useState } from "preact/hooks";
import { ConfirmDialog, ReasonField } from "../shell/confirm-dialog.tsx";
import { useConsole } from "../shell/console-context.ts";
import { Dialog } from "../shell/dialog.tsx";
import { Failed, Loading } from "../shell/states.tsx";
import { useAction } from "../shell/use-action.ts";
import { useList } from "../shell/use-list.ts";
import { draftOf } from "./person-draft.ts";
import { PersonFields } from "./person-fields.tsx";
import { changePerson, readPerson, removePerson, type VersionedPerson } from "./person-requests.ts";
import { Tokens } from "./tokens.tsx";

interface PersonDialogProps {
  name: string;
  onToken: (token: string) => void;
  /** Called after a change, with what the API warns of. */
  onChanged: (warnings: readonly string[]) => void;
  onClose: () => void;
}

export function PersonDialog(props: PersonDialogProps) {
  const { texts } = useConsole();
  const read = useCallback(() => readPerson(props.name), [props.name]);
  const { items, failure, reload } = useList(read);
  const known = items?.[0];
  return (
    <Dialog
      class="person-dialog"
      title={props.name}
      closeLabel={texts.shell.close}
      onClose={props.onClose}
    >
      {failure !== null && <Failed failure={failure} onRetry={reload} />}
      {known === undefined && failure === null && <Loading />}
      {known !== undefined && (
        <div class="stack">
          <ChangeForm key={known.version} known={known} onChanged={props.onChanged} />
          <Tokens person={known.person} onToken={props.onToken} onChanged={reload} />
          <Removal known={known} onRemoved={() => props.onChanged([])} />
        </div>
      )}
    </Dialog>
  );
}

interface ChangeFormProps {
  known: VersionedPerson;
  onChanged: (warnings: readonly string[]) => void;
}

function ChangeForm({ known, onChanged }: ChangeFormProps) {
  const { people } = useConsole().texts;
  const [draft, setDraft] = useState(() => draftOf(known.person));
  const { notice, isBusy, run } = useAction();
  return (
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault();
        const reason = `${new FormData(event.currentTarget).get("reason")}`.trim();
        void run(async () => onChanged((await changePerson(known, draft, reason)).warnings ?? []));
      }}
    >
      {notice && (
        <p class="notice" role="alert">
          {notice}
        </p>
      )}
      <PersonFields draft={draft} onChange={(changed) => setDraft({ ...draft, ...changed })} />
      <ReasonField />
      <button type="submit" class="primary" disabled={isBusy}>
        {people.save}
      </button>
    </form>
  );
}

function Removal({ known, onRemoved }: { known: VersionedPerson; onRemoved: () => void }) {
  const { people } = useConsole().texts;
  const [isAsking, setAsking] = useState(false);
  const { name } = known.person;
  return (
    <p>
      <button type="button" class="danger" onClick={() => setAsking(true)}>
        {people.remove(name)}
      </button>
      {isAsking && (
        <ConfirmDialog
          title={people.remove(name)}
          explanation={people.removeExplanation}
          action={people.remove(name)}
          onConfirm={async (reason) => {
            await removePerson(known, reason);
            setAsking(false);
            onRemoved();
          }}
          onClose={() => setAsking(false)}
        />
      )}
    </p>
  );
}
