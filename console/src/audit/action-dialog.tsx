// One action of the audit log in full: all fields in words, and each of its lines.
import { useState } from "preact/hooks";
import { useConsole, useTimes } from "../shell/console-context.ts";
import { Dialog } from "../shell/dialog.tsx";
import type { Texts } from "../texts/en.ts";
import { callText, countText, outcomeText, requestInWords, termsInWords } from "./action-text.ts";
import { outcomeOf } from "./audit-query.ts";
import type { Action } from "./fold.ts";
import type { AuditLine } from "./use-audit-lines.ts";
import { useWording } from "./use-wording.ts";

interface ActionDialogProps {
  action: Action<AuditLine>;
  onClose: () => void;
}

type Fact = readonly [name: string, value: string];

export function ActionDialog({ action, onClose }: ActionDialogProps) {
  const { texts } = useConsole();
  const { audit, shell } = texts;
  const facts = useFacts(action);
  return (
    <Dialog class="audit-dialog" title={audit.title} closeLabel={shell.close} onClose={onClose}>
      <div class="stack">
        <dl class="facts">
          {facts.map(([name, value]) => (
            <div key={`${name} ${value}`}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
        <Copy text={facts.map(([name, value]) => `${name}${texts.colon}${value}`).join("\n")} />
        {action.lines.length > 1 && <Lines lines={action.lines} />}
      </div>
    </Dialog>
  );
}

/** Return all fields of the line that stands for the action, without those that are empty. */
function useFacts(action: Action<AuditLine>): Fact[] {
  const { texts } = useConsole();
  const time = useTimes();
  const wording = useWording();
  const { line } = action;
  const { columns, facts, unknownPerson } = texts.audit;
  const rights: Readonly<Record<string, string>> = texts.people.rights;
  const roles: Readonly<Record<string, string>> = texts.people.roles;
  const oldest = action.lines.at(-1)?.at ?? line.at;
  const newest = action.lines[0]?.at ?? line.at;
  const all: Fact[] = [
    [columns.time, [...new Set([time(oldest), time(newest)])].join(" – ")],
    [columns.person, line.person || unknownPerson],
    [facts.role, roles[line.role ?? ""] ?? line.role ?? ""],
    [facts.address, line.address],
    [columns.call, countedCall(action, texts)],
    ...termsInWords(line, wording),
    [facts.reason, line.reason],
    [facts.case, line.case],
    [columns.outcome, [outcomeText(action, texts), line.status].filter(Boolean).join(" ")],
    [facts.results, line.results === null ? "" : `${line.results}`],
    [facts.right, rights[line.right ?? ""] ?? line.right ?? ""],
    [facts.call, line.route],
    [facts.request, line.request],
    [facts.id, line.id],
  ];
  return all.filter(([, value]) => value !== "");
}

function countedCall(action: Action<AuditLine>, texts: Texts): string {
  return [callText(action.line.route, texts), countText(action, texts)]
    .filter(Boolean)
    .join(texts.list);
}

/** A button that copies a text; only pages of a secure origin have a clipboard. */
function Copy({ text }: { text: string }) {
  const { people } = useConsole().texts;
  const [isCopied, setCopied] = useState(false);
  if (!("clipboard" in navigator)) return null;
  const copy = () => void navigator.clipboard.writeText(text).then(() => setCopied(true));
  return (
    <div class="row">
      <button type="button" onClick={copy}>
        {people.copy}
      </button>
      {isCopied && <span role="status">{people.copied}</span>}
    </div>
  );
}

function Lines({ lines }: { lines: readonly AuditLine[] }) {
  const { texts } = useConsole();
  const time = useTimes();
  const wording = useWording();
  const { audit } = texts;
  const phases: Readonly<Record<string, string>> = audit.phases;
  return (
    <details>
      <summary>{audit.lines(lines.length)}</summary>
      <table class="audit-lines">
        <tbody>
          {lines.map((line) => (
            <tr key={line.id}>
              <td>
                <time dateTime={line.at}>{time(line.at)}</time>
              </td>
              <td>{callText(line.route, texts)}</td>
              <td>{requestInWords({ call: line.route, terms: line.terms }, wording)[1]}</td>
              <td>{phases[line.phase ?? "access"] ?? line.phase}</td>
              <td>
                {audit.outcomes[outcomeOf(line)]} {line.status ?? ""}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}
