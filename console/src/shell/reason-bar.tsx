// The reason and the case of the task: asked once, shown while they apply, never filled in.
import type { TargetedSubmitEvent } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { api, result } from "../api/client.ts";
import { type Purpose, setTokenPurpose, usesToken } from "../api/credentials.ts";
import { ApiProblem, failureOf } from "../api/problem.ts";
import type { Texts } from "../texts/en.ts";

export const NO_PURPOSE: Purpose = { reason: "", case: "" };

/** Keep a purpose where requests take it from: in the session at the server, or with the token. */
export async function bindPurpose(purpose: Purpose): Promise<Purpose> {
  if (usesToken()) {
    setTokenPurpose(purpose);
    return purpose;
  }
  const session = await result(
    api.PATCH("/v1/session", { body: { ...purpose, emergency: false } }),
  );
  return { reason: session.reason ?? "", case: session.case ?? "" };
}

interface BarProps {
  texts: Texts;
  purpose: Purpose;
  onChange: () => void;
  onEnd: () => void;
}

export function ReasonBar({ texts, purpose, onChange, onEnd }: BarProps) {
  const { reason } = texts;
  if (!purpose.reason) {
    return (
      <section class="reason-bar" aria-label={reason.current}>
        <span class="quiet">{reason.none}</span>
        <button type="button" onClick={onChange}>
          {reason.title}
        </button>
      </section>
    );
  }
  return (
    <section class="reason-bar" aria-label={reason.current}>
      <span>
        {reason.current}
        {texts.colon}
        <strong>{purpose.reason}</strong>
      </span>
      {purpose.case && (
        <span>
          {reason.currentCase}
          {texts.colon}
          <strong>{purpose.case}</strong>
        </span>
      )}
      <button type="button" onClick={onChange}>
        {reason.change}
      </button>
      <button type="button" onClick={onEnd}>
        {reason.end}
      </button>
    </section>
  );
}

interface FormProps {
  texts: Texts;
  onBound: (purpose: Purpose) => void;
  onCancel: (() => void) | null;
}

export function ReasonForm({ texts, onBound, onCancel }: FormProps) {
  const { reason } = texts;
  const [notice, setNotice] = useState("");
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => first.current?.focus(), []);

  const submit = async (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string) => String(form.get(name) ?? "").trim();
    try {
      onBound(await bindPurpose({ reason: text("reason"), case: text("case") }));
    } catch (error) {
      const failure = failureOf(error);
      setNotice(failure instanceof ApiProblem ? failure.message : texts.states.offline);
    }
  };

  return (
    <form class="reason-form stack" onSubmit={submit}>
      <h2>{reason.title}</h2>
      <p class="hint">{reason.explanation}</p>
      {notice && (
        <p class="notice" role="alert">
          {notice}
        </p>
      )}
      <label class="field">
        <span>{reason.reason}</span>
        <input ref={first} name="reason" maxLength={500} autocomplete="off" required />
      </label>
      <label class="field">
        <span>{reason.case}</span>
        <input name="case" maxLength={500} autocomplete="off" />
      </label>
      <div class="row">
        <button type="submit" class="primary">
          {reason.submit}
        </button>
        {onCancel && (
          <button type="button" onClick={onCancel}>
            {reason.cancel}
          </button>
        )}
      </div>
    </form>
  );
}
