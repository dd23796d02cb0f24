// A new token. It is stored nowhere, so this is the only time that it can be copied.
import { useState } from "preact/hooks";
import { useConsole } from "../shell/console-context.ts";
import { Dialog } from "../shell/dialog.tsx";

interface TokenOnceProps {
  token: string;
  /** What the API warns of, such as an area that the registry lacks. */
  warnings: readonly string[];
  onClose: () => void;
}

export function TokenOnce({ token, warnings, onClose }: TokenOnceProps) {
  const { texts } = useConsole();
  const { people } = texts;
  const [isCopied, setCopied] = useState(false);
  // Only pages of a secure origin have a clipboard.
  const mayCopy = "clipboard" in navigator;
  return (
    <Dialog
      class="confirm"
      title={people.tokenTitle}
      closeLabel={texts.shell.close}
      onClose={onClose}
    >
      <div class="stack">
        <p>{people.tokenOnce}</p>
        <output class="token">{token}</output>
        {mayCopy && (
          <button
            type="button"
            class="primary"
            onClick={() => void navigator.clipboard.writeText(token).then(() => setCopied(true))}
          >
            {people.copy}
          </button>
        )}
        {isCopied && <p role="status">{people.copied}</p>}
        {warnings.map((warning) => (
          <p key={warning} class="notice">
            {warning}
          </p>
        ))}
      </div>
    </Dialog>
  );
}
