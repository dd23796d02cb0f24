// Approvals: requests that wait for a second person, and emergency accesses to review.
import type { ComponentChildren } from "preact";
import { useCallback, useState } from "preact/hooks";
import { allItems, api, result, type Schemas } from "../api/client.ts";
import { requestInWords } from "../audit/action-text.ts";
import { useWording } from "../audit/use-wording.ts";
import { ConfirmDialog } from "../shell/confirm-dialog.tsx";
import { hasRight, useConsole, useTimes } from "../shell/console-context.ts";
import { Select } from "../shell/select.tsx";
import { Empty, Failed, Loading } from "../shell/states.tsx";
import { type List, useList } from "../shell/use-list.ts";

type ApprovalView = Schemas["ApprovalView"];
type EmergencyView = Schemas["EmergencyView"];

export function ApprovalsPage() {
  const { texts, session } = useConsole();
  const { approvals } = texts;
  const [isPending, setPending] = useState(true);
  return (
    <div class="watches">
      <div class="row">
        <Select
          label={approvals.show}
          value={isPending ? "pending" : "all"}
          options={[
            ["pending", approvals.pending],
            ["all", approvals.all],
          ]}
          onChange={(chosen) => setPending(chosen === "pending")}
        />
      </div>
      <Approvals isPending={isPending} />
      {hasRight(session, "approvals") && <Emergencies isPending={isPending} />}
    </div>
  );
}

/** A decision that a person is about to make, which needs its reason. */
interface Question {
  title: string;
  explanation: string;
  decide: (reason: string) => Promise<void>;
}

function Approvals({ isPending }: { isPending: boolean }) {
  const { texts, session } = useConsole();
  const { approvals } = texts;
  const wording = useWording();
  const list = useList(useCallback(() => readApprovals(isPending), [isPending]));
  const [question, setQuestion] = useState<Question | null>(null);
  const ask = (one: ApprovalView, decision: "approved" | "refused") =>
    setQuestion({
      title: approvals.decisions[decision],
      explanation: approvals.asks(one.person, ...requestInWords(one, wording)),
      decide: (reason) => decide(one.id, decision, reason),
    });
  return (
    <Section title={approvals.requests} list={list} question={question} onQuestion={setQuestion}>
      {list.items?.map((one) => (
        <Line
          key={one.id}
          person={one.person}
          at={one.requested_at}
          what={requestInWords(one, wording)}
          why={[one.reason, one.case]}
          state={approvals.decisions[one.decision]}
          by={one.decided_by}
          note={one.note}
        >
          {one.decision === "pending" &&
            !one.is_ended &&
            one.person !== session.name &&
            hasRight(session, "approvals") && (
              <>
                <button type="button" class="primary" onClick={() => ask(one, "approved")}>
                  {approvals.approve}
                </button>
                <button type="button" onClick={() => ask(one, "refused")}>
                  {approvals.refuse}
                </button>
              </>
            )}
        </Line>
      ))}
    </Section>
  );
}

function Emergencies({ isPending }: { isPending: boolean }) {
  const { texts, session } = useConsole();
  const { approvals } = texts;
  const wording = useWording();
  const list = useList(useCallback(() => readEmergencies(isPending), [isPending]));
  const [question, setQuestion] = useState<Question | null>(null);
  const ask = (one: EmergencyView, verdict: "justified" | "unjustified") =>
    setQuestion({
      title: approvals.verdicts[verdict],
      explanation: approvals.asks(one.person, ...requestInWords(one, wording)),
      decide: (reason) => review(one.id, verdict, reason),
    });
  return (
    <Section title={approvals.emergencies} list={list} question={question} onQuestion={setQuestion}>
      {list.items?.map((one) => (
        <Line
          key={one.id}
          person={one.person}
          at={one.at}
          what={requestInWords(one, wording)}
          why={[one.reason, one.case]}
          state={approvals.verdicts[one.verdict]}
          by={one.reviewed_by}
          note={one.note}
        >
          {one.verdict === "open" && one.person !== session.name && (
            <>
              <button type="button" onClick={() => ask(one, "justified")}>
                {approvals.justified}
              </button>
              <button type="button" class="danger" onClick={() => ask(one, "unjustified")}>
                {approvals.unjustified}
              </button>
            </>
          )}
        </Line>
      ))}
    </Section>
  );
}

interface SectionProps {
  title: string;
  list: List<unknown>;
  question: Question | null;
  onQuestion: (question: Question | null) => void;
  children: ComponentChildren;
}

function Section({ title, list, question, onQuestion, children }: SectionProps) {
  const { approvals } = useConsole().texts;
  return (
    <section aria-label={title}>
      <h2>{title}</h2>
      {list.failure !== null && <Failed failure={list.failure} onRetry={list.reload} />}
      {list.items === null && list.failure === null && <Loading />}
      {list.items?.length === 0 && <Empty title={approvals.none} />}
      {list.items !== null && list.items.length > 0 && (
        <table class="people">
          <thead>
            <tr>
              {Object.entries(approvals.columns).map(([name, text]) => (
                <th key={name} scope="col">
                  {text}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>{children}</tbody>
        </table>
      )}
      {question && (
        <ConfirmDialog
          title={question.title}
          explanation={question.explanation}
          action={question.title}
          onConfirm={async (reason) => {
            await question.decide(reason);
            onQuestion(null);
            list.reload();
          }}
          onClose={() => onQuestion(null)}
        />
      )}
    </section>
  );
}

interface LineProps {
  person: string;
  at: string;
  what: readonly string[];
  why: readonly (string | null)[];
  state: string;
  by: string | null;
  note: string | null;
  children: ComponentChildren;
}

function Line(props: LineProps) {
  const { texts } = useConsole();
  const time = useTimes();
  const joined = (parts: readonly (string | null)[]) => parts.filter(Boolean).join(texts.list);
  return (
    <tr>
      <th scope="row">{props.person}</th>
      <td>{time(props.at)}</td>
      <td>{joined(props.what)}</td>
      <td>{joined(props.why)}</td>
      <td>{joined([props.state, props.by, props.note])}</td>
      <td>
        <span class="row">{props.children}</span>
      </td>
    </tr>
  );
}

function readApprovals(pending: boolean): Promise<ApprovalView[]> {
  return allItems((next) => {
    const query = { pending, limit: 500, ...(next === undefined ? {} : { next }) };
    return result(api.GET("/v1/approvals", { params: { query } }));
  });
}

function readEmergencies(pending: boolean): Promise<EmergencyView[]> {
  return allItems((next) => {
    const query = { pending, limit: 500, ...(next === undefined ? {} : { next }) };
    return result(api.GET("/v1/emergencies", { params: { query } }));
  });
}

async function decide(id: string, decision: "approved" | "refused", reason: string) {
  const body = { decision, reason };
  await result(api.PATCH("/v1/approvals/{id}", { params: { path: { id } }, body }));
}

async function review(id: string, verdict: "justified" | "unjustified", reason: string) {
  const body = { verdict, reason };
  await result(api.PATCH("/v1/emergencies/{id}", { params: { path: { id } }, body }));
}
