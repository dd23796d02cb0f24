// People: who may do what, in which areas, and with which tokens.
import { useCallback, useEffect, useState } from "preact/hooks";
import { allItems, api, result, type Schemas } from "../api/client.ts";
import { type Failure, failureOf } from "../api/problem.ts";
import { hasRight, useConsole, useTimes } from "../shell/console-context.ts";
import { Failed, Loading, NoRight } from "../shell/states.tsx";
import { scopeText } from "./scope-text.ts";

type PersonView = Schemas["PersonView"];

export function PeoplePage() {
  const { session } = useConsole();
  if (!hasRight(session, "people_admin")) return <NoRight right="people_admin" />;
  return <People />;
}

function People() {
  const { texts } = useConsole();
  const [people, setPeople] = useState<readonly PersonView[] | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const read = useCallback(() => {
    setFailure(null);
    readPeople().then(setPeople, (error: unknown) => setFailure(failureOf(error)));
  }, []);
  useEffect(read, [read]);
  if (failure !== null) return <Failed failure={failure} onRetry={read} />;
  if (people === null) return <Loading />;
  const { columns } = texts.people;
  return (
    <>
      <p role="status">{texts.people.shown(people.length)}</p>
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
            <PersonRow key={person.name} person={person} />
          ))}
        </tbody>
      </table>
    </>
  );
}

function PersonRow({ person }: { person: PersonView }) {
  const { texts, areas } = useConsole();
  const time = useTimes();
  const names = new Map(areas.map((area) => [area.id, area.name]));
  return (
    <tr>
      <th scope="row">{person.name}</th>
      <td>{texts.people.roles[person.role]}</td>
      <td>{scopeText(person.scope, names, texts)}</td>
      <td>{person.grants.join(texts.list)}</td>
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

function readPeople(): Promise<PersonView[]> {
  return allItems((next) => {
    const query = { limit: 500, ...(next === undefined ? {} : { next }) };
    return result(api.GET("/v1/people", { params: { query } }));
  });
}
