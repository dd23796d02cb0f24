// People: who may do what, in which areas, and with which tokens; new people, changes, removals.
import { useState } from "preact/hooks";
import { hasRight, useConsole, useTimes } from "../shell/console-context.ts";
import { Failed, Loading, NoRight } from "../shell/states.tsx";
import { useList } from "../shell/use-list.ts";
import { NewPerson } from "./new-person.tsx";
import { PersonDialog } from "./person-dialog.tsx";
import { type PersonView, readPeople } from "./person-requests.ts";
import { scopeText } from "./scope-text.ts";
import { TokenOnce } from "./token-once.tsx";

export function PeoplePage() {
  const { session } = useConsole();
  if (!hasRight(session, "people_admin")) return <NoRight right="people_admin" />;
  return <People />;
}

interface Issued {
  token: string;
  warnings: readonly string[];
}

function People() {
  const { texts } = useConsole();
  const { items: people, failure, reload } = useList(readPeople);
  const [isAdding, setAdding] = useState(false);
  const [opened, setOpened] = useState<string | null>(null);
  const [issued, setIssued] = useState<Issued | null>(null);
  const [warnings, setWarnings] = useState<readonly string[]>([]);
  if (failure !== null) return <Failed failure={failure} onRetry={reload} />;
  if (people === null) return <Loading />;
  return (
    <>
      <div class="row">
        <p role="status">{texts.people.shown(people.length)}</p>
        <button type="button" class="primary" onClick={() => setAdding(true)}>
          {texts.people.add}
        </button>
      </div>
      {warnings.map((warning) => (
        <p key={warning} class="notice" role="status">
          {warning}
        </p>
      ))}
      <PeopleTable people={people} onOpen={setOpened} />
      {isAdding && (
        <NewPerson
          onAdded={(token, found) => {
            setAdding(false);
            setIssued({ token, warnings: found });
            reload();
          }}
          onClose={() => setAdding(false)}
        />
      )}
      {opened !== null && (
        <PersonDialog
          name={opened}
          onToken={(token) => setIssued({ token, warnings: [] })}
          onChanged={(found) => {
            setOpened(null);
            setWarnings(found);
            reload();
          }}
          onClose={() => {
            setOpened(null);
            reload();
          }}
        />
      )}
      {issued !== null && <TokenOnce {...issued} onClose={() => setIssued(null)} />}
    </>
  );
}

interface PeopleTableProps {
  people: readonly PersonView[];
  onOpen: (name: string) => void;
}

function PeopleTable({ people, onOpen }: PeopleTableProps) {
  const { columns } = useConsole().texts.people;
  return (
    <table class="people">
      <thead>
        <tr>
          <th scope="col">{columns.name}</th>
          <th scope="col">{columns.role}</th>
          <th scope="col">{columns.scope}</th>
          <th scope="col">{columns.grants}</th>
          <th scope="col">{columns.tokens}</th>
          <th scope="col">{columns.added}</th>
        </tr>
      </thead>
      <tbody>
        {people.map((person) => (
          <PersonRow key={person.name} person={person} onOpen={() => onOpen(person.name)} />
        ))}
      </tbody>
    </table>
  );
}

function PersonRow({ person, onOpen }: { person: PersonView; onOpen: () => void }) {
  const { texts, areas } = useConsole();
  const time = useTimes();
  const names = new Map(areas.map((area) => [area.id, area.name]));
  return (
    <tr>
      <th scope="row">
        <button type="button" onClick={onOpen}>
          {person.name}
        </button>
      </th>
      <td>{texts.people.roles[person.role]}</td>
      <td>{scopeText(person.scope, names, texts)}</td>
      <td>{person.grants.map((right) => texts.people.rights[right]).join(texts.list)}</td>
      <td>
        {person.tokens.map((token) => (
          <div key={token.name}>
            {token.name}
            {token.expires_at !== null && (
              <span class="quiet"> {texts.people.until(time(token.expires_at))}</span>
            )}
          </div>
        ))}
      </td>
      <td>{time(person.added_at)}</td>
    </tr>
  );
}
