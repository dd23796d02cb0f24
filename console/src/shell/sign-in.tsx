// The page that signs people in: with a password, with the identity provider, or with a token.
import type { TargetedSubmitEvent } from "preact";
import { useState } from "preact/hooks";
import { api, result, type Schemas } from "../api/client.ts";
import { adoptSession, adoptToken, forgetCredentials } from "../api/credentials.ts";
import { ApiProblem, failureOf } from "../api/problem.ts";
import type { Texts } from "../texts/en.ts";
import { keepAddress } from "./kept-address.ts";

type SessionView = Schemas["SessionView"];

interface SignInProps {
  texts: Texts;
  site: Schemas["SiteView"];
  notice: string;
  onSignedIn: (session: SessionView) => void;
}

export function SignIn(props: SignInProps) {
  const { texts, site } = props;
  const [notice, setNotice] = useState(props.notice);
  const [isBusy, setBusy] = useState(false);

  const run = async (signIn: () => Promise<SessionView>) => {
    setBusy(true);
    setNotice("");
    try {
      props.onSignedIn(await signIn());
    } catch (error) {
      const failure = failureOf(error);
      setNotice(failure instanceof ApiProblem ? failure.message : texts.states.offline);
      setBusy(false);
    }
  };

  return (
    <main class="sign-in" id="content">
      <h1>{texts.product}</h1>
      <h2>{texts.signIn.title}</h2>
      {notice && (
        <p class="notice" role="alert">
          {notice}
        </p>
      )}
      {site.sign_in.includes("openid") && (
        <a class="button primary wide" href={openidAddress()} onClick={keepAddress}>
          {texts.signIn.openid}
        </a>
      )}
      <PasswordForm
        texts={texts}
        isBusy={isBusy}
        onSubmit={(form) => run(() => withPassword(form))}
      />
      <TokenForm
        texts={texts}
        isBusy={isBusy}
        onSubmit={(form) => run(() => withToken(field(form, "token"), texts))}
      />
    </main>
  );
}

interface FormProps {
  texts: Texts;
  isBusy: boolean;
  onSubmit: (form: FormData) => void;
}

function submitted(props: FormProps) {
  return (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    props.onSubmit(new FormData(event.currentTarget));
  };
}

function PasswordForm(props: FormProps) {
  const { signIn } = props.texts;
  return (
    <form class="stack" onSubmit={submitted(props)}>
      <label class="field">
        <span>{signIn.name}</span>
        <input name="name" autocomplete="username" required />
      </label>
      <label class="field">
        <span>{signIn.password}</span>
        <input name="password" type="password" autocomplete="current-password" required />
      </label>
      <label class="field">
        <span>{signIn.code}</span>
        <input name="code" autocomplete="one-time-code" aria-describedby="code-hint" />
      </label>
      <p id="code-hint" class="hint">
        {signIn.codeHint}
      </p>
      <button type="submit" class="primary" disabled={props.isBusy}>
        {signIn.submit}
      </button>
    </form>
  );
}

function TokenForm(props: FormProps) {
  const { signIn } = props.texts;
  return (
    <details>
      <summary>{signIn.withToken}</summary>
      <form class="stack" onSubmit={submitted(props)}>
        <label class="field">
          <span>{signIn.token}</span>
          <input
            name="token"
            type="password"
            autocomplete="off"
            aria-describedby="token-hint"
            required
          />
        </label>
        <p id="token-hint" class="hint">
          {signIn.tokenHint}
        </p>
        <button type="submit" disabled={props.isBusy}>
          {signIn.tokenSubmit}
        </button>
      </form>
    </details>
  );
}

async function withPassword(form: FormData): Promise<SessionView> {
  const body = {
    name: field(form, "name"),
    password: String(form.get("password") ?? ""),
    code: field(form, "code"),
  };
  const session = await result(api.POST("/v1/session", { body }));
  adoptSession(session);
  return session;
}

/** Sign in with a token. Throws ApiProblem, with a sentence of ours for a token that is wrong. */
export async function withToken(token: string, texts: Texts): Promise<SessionView> {
  adoptToken(token);
  try {
    return await result(api.GET("/v1/session"));
  } catch (error) {
    forgetCredentials();
    if (error instanceof ApiProblem && error.status === 401) {
      throw new ApiProblem(401, "token_wrong", error.title, texts.signIn.wrongToken, null);
    }
    throw error;
  }
}

function field(form: FormData, name: string): string {
  return String(form.get(name) ?? "").trim();
}

/** The provider sends the browser back to this page, without the fragment. */
function openidAddress(): string {
  return `/v1/session/openid?${new URLSearchParams({ return_to: location.pathname })}`;
}
