// The field for the end of a token. Without one, the token is valid until it is revoked.
import { useConsole } from "../shell/console-context.ts";
import { instantOf } from "../time/zone.ts";

export function ExpiryField() {
  const { people } = useConsole().texts;
  return (
    <label class="field">
      <span>{people.expires}</span>
      <input name="expires" type="datetime-local" />
    </label>
  );
}

/** Return the end that a form has, in the time zone of the site; null without one. */
export function expiryOf(form: FormData, zone: string): string | null {
  const instantMs = instantOf(`${form.get("expires") ?? ""}`, zone);
  return instantMs === null ? null : new Date(instantMs).toISOString();
}
