// The way from a call that needs an approval to the request for it.
import { useState } from "preact/hooks";
import { api, result } from "../api/client.ts";
import type { NeededApproval } from "../api/problem.ts";
import { ConfirmDialog } from "../shell/confirm-dialog.tsx";
import { useConsole } from "../shell/console-context.ts";
import { addressOf } from "../shell/route.ts";

export function RequestApproval({ needed }: { needed: NeededApproval }) {
  const { texts, purpose } = useConsole();
  const { approvals } = texts;
  const [state, setState] = useState<"" | "asking" | "requested">("");
  if (state === "requested") {
    return (
      <p role="status">
        {approvals.requested} <a href={addressOf("approvals")}>{texts.places.approvals}</a>
      </p>
    );
  }
  return (
    <>
      <button type="button" class="primary" onClick={() => setState("asking")}>
        {approvals.request}
      </button>
      {state === "asking" && (
        <ConfirmDialog
          title={approvals.request}
          explanation={approvals.requestExplanation}
          action={approvals.request}
          onConfirm={async (reason) => {
            const body = { ...needed, reason, case: purpose.case };
            await result(api.POST("/v1/approvals", { body }));
            setState("requested");
          }}
          onClose={() => setState("")}
        />
      )}
    </>
  );
}
