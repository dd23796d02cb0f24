// The states of a page without content: loading, empty, failed, offline, and without a right.
import type { ComponentChildren } from "preact";
import { ApiProblem, type Failure } from "../api/problem.ts";
import { useRecovery } from "../api/reachable.ts";
import { RequestApproval } from "../approvals/request-approval.tsx";
import { type Right, useConsole } from "./console-context.ts";

function State(props: { title: string; role?: "status" | "alert"; children?: ComponentChildren }) {
  return (
    <div class="state" role={props.role ?? "status"}>
      <p class="state-title">{props.title}</p>
      {props.children}
    </div>
  );
}

export function Loading() {
  const { texts } = useConsole();
  return <State title={texts.states.loading} />;
}

export function Empty(props: { title: string; advice?: string }) {
  return <State title={props.title}>{props.advice && <p>{props.advice}</p>}</State>;
}

export function NoRight(props: { right: Right }) {
  const { texts } = useConsole();
  return (
    <State title={texts.states.noRight}>
      <p>{texts.states.noRightAdvice(texts.people.rights[props.right])}</p>
    </State>
  );
}

/** What has failed and what to do. Another try is made by a button, and when the API answers again. */
export function Failed(props: { failure: Failure; onRetry: () => void }) {
  const { texts, askPurpose } = useConsole();
  const { failure } = props;
  const isRefusal = failure instanceof ApiProblem;
  useRecovery(!isRefusal, props.onRetry);
  const needsPurpose = isRefusal && ["reason_missing", "case_required"].includes(failure.kind);
  return (
    <State role="alert" title={isRefusal ? failure.title : texts.states.offline}>
      <p>{isRefusal ? failure.message : texts.states.offlineAdvice}</p>
      {isRefusal && failure.approval !== null && <RequestApproval needed={failure.approval} />}
      {needsPurpose ? (
        <button type="button" class="primary" onClick={askPurpose}>
          {texts.reason.title}
        </button>
      ) : (
        <button type="button" onClick={props.onRetry}>
          {texts.shell.retry}
        </button>
      )}
    </State>
  );
}
