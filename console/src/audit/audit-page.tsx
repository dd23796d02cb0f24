// Audit: who read or changed what, when, and for which reason.
import { useMemo, useState } from "preact/hooks";
import { hasRight, useConsole } from "../shell/console-context.ts";
import { navigate } from "../shell/route.ts";
import { Empty, Failed, Loading, NoRight } from "../shell/states.tsx";
import { ActionList } from "./action-list.tsx";
import { AuditForm } from "./audit-form.tsx";
import { type AuditQuery, apiFiltersOf, queryOf } from "./audit-query.ts";
import { folded } from "./fold.ts";
import { useAuditLines } from "./use-audit-lines.ts";

export function AuditPage({ parameters }: { parameters: URLSearchParams }) {
  const { session } = useConsole();
  if (!hasRight(session, "audit_read")) return <NoRight right="audit_read" />;
  return <Audit address={parameters.toString()} />;
}

function Audit({ address }: { address: string }) {
  const { texts } = useConsole();
  const query = useMemo(() => queryOf(new URLSearchParams(address)), [address]);
  const { lines, damaged, isLoading, hasMore, failure, loadMore, reload } = useAuditLines(query);
  const actions = useMemo(() => folded(lines), [lines]);
  const people = new Set(lines.map((line) => line.person || line.address)).size;
  const [isOutdated, setOutdated] = useState(false);
  const open = (next: AuditQuery) =>
    navigate("audit", new URLSearchParams(Object.entries(apiFiltersOf(next))));
  return (
    <div class="find">
      <AuditForm query={query} onQuery={open} onChanged={setOutdated} />
      <p role="status">{texts.audit.shown(people, actions.length, !hasMore)}</p>
      {damaged.length > 0 && <p class="notice">{texts.audit.damaged(damaged.join(", "))}</p>}
      {failure !== null && <Failed failure={failure} onRetry={reload} />}
      {lines.length === 0 && failure === null && (isLoading || hasMore) && <Loading />}
      {lines.length === 0 && failure === null && !isLoading && !hasMore && (
        <Empty title={texts.audit.empty} />
      )}
      {actions.length > 0 && (
        <div class={isOutdated ? "results-area outdated" : "results-area"}>
          <ActionList actions={actions} onEnd={loadMore} />
        </div>
      )}
    </div>
  );
}
