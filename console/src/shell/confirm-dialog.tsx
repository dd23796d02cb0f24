// Asks before a change that cannot be undone, and mostly for its reason, which the audit log keeps.
import { useConsole } from "./console-context.ts";
import { Dialog } from "./dialog.tsx";
import { useAction } from "./use-action.ts";

interface ConfirmDialogProps {
  title: string;
  /** What the change means. */
  explanation: string;
  /** What the button that does it says. */
  action: string;
  /** Whether it asks for a reason; without one, `onConfirm` gets an empty text. */
  needsReason?: boolean;
  onConfirm: (reason: string) => Promise<void>;
  onClose: () => void;
}

export function ConfirmDialog(props: ConfirmDialogProps) {
  const { texts } = useConsole();
  const { notice, isBusy, run } = useAction();
  return (
    <Dialog
      class="confirm"
      title={props.title}
      closeLabel={texts.reason.cancel}
      onClose={props.onClose}
    >
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          const reason = String(new FormData(event.currentTarget).get("reason") ?? "").trim();
          void run(() => props.onConfirm(reason));
        }}
      >
        <p>{props.explanation}</p>
        {notice && (
          <p class="notice" role="alert">
            {notice}
          </p>
        )}
        {props.needsReason !== false && <ReasonField />}
        <button type="submit" class="primary" disabled={isBusy}>
          {props.action}
        </button>
      </form>
    </Dialog>
  );
}

/** The field for the reason of one change. */
export function ReasonField() {
  const { texts } = useConsole();
  return (
    <label class="field">
      <span>{texts.reason.ofChange}</span>
      <input name="reason" maxLength={500} autocomplete="off" required />
    </label>
  );
}
