// The requests of the page of people.
import { allItems, api, reasonHeader, result, type Schemas } from "../api/client.ts";
import { bodyOf, type PersonDraft } from "./person-draft.ts";

export type PersonView = Schemas["PersonView"];

/** A person, and the version that a change must name. */
export interface VersionedPerson {
  person: PersonView;
  version: string;
}

export function readPeople(): Promise<PersonView[]> {
  return allItems((next) => {
    const query = { limit: 500, ...(next === undefined ? {} : { next }) };
    return result(api.GET("/v1/people", { params: { query } }));
  });
}

export async function readPerson(name: string): Promise<VersionedPerson[]> {
  const answer = await api.GET("/v1/people/{name}", { params: { path: { name } } });
  const person = await result(Promise.resolve(answer));
  return [{ person, version: answer.response.headers.get("ETag") ?? "" }];
}

/** Add a person. The answer has the first token, which is shown once. */
export function addPerson(
  name: string,
  draft: PersonDraft,
  expires: string | null,
  reason: string,
): Promise<Schemas["PersonAdded"]> {
  const body = { name, ...bodyOf(draft), expires, reason };
  return result(api.POST("/v1/people", { body }));
}

/** Change a person, unless another person has done so since. */
export function changePerson(
  { person, version }: VersionedPerson,
  draft: PersonDraft,
  reason: string,
): Promise<Schemas["PersonChanged"]> {
  const params = { path: { name: person.name } };
  const headers = { "If-Match": version };
  return result(
    api.PATCH("/v1/people/{name}", { params, headers, body: { ...bodyOf(draft), reason } }),
  );
}

export async function removePerson(
  { person, version }: VersionedPerson,
  reason: string,
): Promise<void> {
  const params = { path: { name: person.name } };
  const headers = { "If-Match": version, ...reasonHeader(reason) };
  await result(api.DELETE("/v1/people/{name}", { params, headers }));
}

/** Add a token, or replace the one of the same name. The answer alone has the token. */
export function addToken(
  name: string,
  tokenName: string,
  expires: string | null,
  reason: string,
): Promise<Schemas["TokenAdded"]> {
  const body = { token_name: tokenName, expires, reason };
  return result(api.POST("/v1/people/{name}/tokens", { params: { path: { name } }, body }));
}

export async function revokeToken(name: string, token: string, reason: string): Promise<void> {
  const request = { params: { path: { name, token } }, headers: reasonHeader(reason) };
  await result(api.DELETE("/v1/people/{name}/tokens/{token}", request));
}
