// The tokens of a person: a new one, which is shown once, and the revocation of one.
import { useState } from "preact/hooks";
import type { Schemas } from "../api/client.ts";
import { ConfirmDialog, ReasonField } from "../shell/confirm-dialog.tsx";
import { useConsole, useTimes } from "../shell/console-context.ts";
import { useAction } from "../shell/use-action.ts";
import { ExpiryField, expiryOf } from "./expiry-field.tsx";
import { addToken, type PersonView, revokeToken } from "./person-requests.ts";

interface TokensProps {
  person: PersonView;
  onToken: (token: string) => void;
  onChanged: () => void;
}

export function Tokens({ person, onToken, onChanged }: TokensProps) {
  const { people } = useConsole().texts;
  const [revoked, setRevoked] = useState<string | null>(null);
  return (
    <section class="stack" aria-label={people.columns.tokens}>
      <h3>{people.columns.tokens}</h3>
      <ul class="tokens">
        {person.tokens.map((token) => (
          <TokenLine key={token.name} token={token} onRevoke={() => setRevoked(token.name)} />
        ))}
      </ul>
      <NewToken
        name={person.name}
        onAdded={(token) => {
          onToken(token);
          onChanged();
        }}
      />
      {revoked !== null && (
        <ConfirmDialog
          title={people.revoke(revoked)}
          explanation={people.revokeExplanation}
          action={people.revoke(revoked)}
          onConfirm={async (reason) => {
            await revokeToken(person.name, revoked, reason);
            setRevoked(null);
            onChanged();
          }}
          onClose={() => setRevoked(null)}
        />
      )}
    </section>
  );
}

function TokenLine(props: { token: Schemas["TokenView"]; onRevoke: () => void }) {
  const { people } = useConsole().texts;
  const time = useTimes();
  const { name, expires_at: expires } = props.token;
  return (
    <li class="row">
      <strong>{name}</strong>
      {expires !== null && <span class="quiet">{people.until(time(expires))}</span>}
      <button type="button" onClick={props.onRevoke}>
        {people.revoke(name)}
      </button>
    </li>
  );
}

function NewToken({ name, onAdded }: { name: string; onAdded: (token: string) => void }) {
  const { texts, zone } = useConsole();
  const { people } = texts;
  const { notice, isBusy, run } = useAction();
  return (
    <details>
      <summary>{people.newToken}</summary>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          const form = new FormData(event.currentTarget);
          const tokenName = `${form.get("token")}`.trim();
          const reason = `${form.get("reason")}`.trim();
          void run(async () => {
            onAdded((await addToken(name, tokenName, expiryOf(form, zone), reason)).token);
          });
        }}
      >
        {notice && (
          <p class="notice" role="alert">
            {notice}
          </p>
        )}
        <label class="field">
          <span>{people.tokenName}</span>
          <input name="token" maxLength={64} autocomplete="off" required />
          <small class="hint">{people.tokenHint}</small>
        </label>
        <ExpiryField />
        <ReasonField />
        <button type="submit" disabled={isBusy}>
          {people.newToken}
        </button>
      </form>
    </details>
  );
}
