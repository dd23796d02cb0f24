// The actions of the audit log, one in each row; an open one shows all its lines.
import { useCallback, useRef, useState } from "preact/hooks";
import { useConsole, useTimes } from "../shell/console-context.ts";
import { VirtualRows } from "../shell/virtual-rows.tsx";
import { ActionDialog } from "./action-dialog.tsx";
import { callText, countText, outcomesOf, outcomeText, subjectText } from "./action-text.ts";
import type { Action } from "./fold.ts";
import type { AuditLine } from "./use-audit-lines.ts";
import { useWording } from "./use-wording.ts";

/** The least height of a row; long texts need more. */
const ROW_PX = 48;

interface ActionListProps {
  actions: readonly Action<AuditLine>[];
  onEnd: () => void;
}

export function ActionList({ actions, onEnd }: ActionListProps) {
  const { texts } = useConsole();
  const scroller = useRef<HTMLElement>(null);
  const [opened, setOpened] = useState<Action<AuditLine> | null>(null);
  const row = useCallback(
    (index: number) => {
      const action = actions[index];
      return action === undefined ? null : (
        <ActionRow action={action} onOpen={() => setOpened(action)} />
      );
    },
    [actions],
  );
  const { columns } = texts.audit;
  return (
    <>
      <div class="audit-line line-head" aria-hidden="true">
        <span>{columns.time}</span>
        <span>{columns.person}</span>
        <span>{columns.call}</span>
        <span>{columns.terms}</span>
        <span>{columns.reason}</span>
        <span>{columns.outcome}</span>
      </div>
      <section ref={scroller} class="results" aria-label={texts.places.audit}>
        <VirtualRows
          scroller={scroller}
          count={actions.length}
          rowHeightPx={ROW_PX}
          isMeasured
          visibleRow={null}
          onEnd={onEnd}
          row={row}
        />
      </section>
      {opened !== null && <ActionDialog action={opened} onClose={() => setOpened(null)} />}
    </>
  );
}

function ActionRow({ action, onOpen }: { action: Action<AuditLine>; onOpen: () => void }) {
  const { texts } = useConsole();
  const time = useTimes();
  const wording = useWording();
  const { line } = action;
  const count = countText(action, texts);
  const why = [line.reason, line.case].filter(Boolean).join(texts.list);
  const subject = subjectText(line, wording);
  const isBad = [...outcomesOf(action.lines).keys()].some((one) =>
    ["refused", "failed"].includes(one),
  );
  return (
    <button type="button" class="audit-line" onClick={onOpen}>
      <time dateTime={line.at}>{time(line.at)}</time>
      <span title={line.address}>{line.person || line.address}</span>
      <span>
        {callText(line.route, texts)}
        {count !== "" && <span class="times">{` ${count}`}</span>}
      </span>
      <span>{subject}</span>
      <span>{why}</span>
      <span class={isBad ? "state-bad" : ""}>{outcomeText(action, texts)}</span>
    </button>
  );
}
