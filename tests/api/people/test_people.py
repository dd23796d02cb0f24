"""People over HTTP: administrators add, change and remove people and tokens, never themselves."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from domain.camera_scope import CameraScope
from domain.errors import Forbidden
from domain.openid import ProviderIdentity
from domain.paths.object_keys import PEOPLE_PREFIX, person_object
from domain.people import Person, Right, Role
from storage.openid.provider_people import ProviderPeople
from tests.buckets import remove_objects

if TYPE_CHECKING:
    from tests.api.conftest import Site

WHY = {"reason": "joins the team"}


@pytest.fixture(autouse=True)
def _no_people(site: Site) -> None:
    remove_objects(site.context.objects, PEOPLE_PREFIX)


def send(
    site: Site, method: str, path: str, body: object = None, role: Role = Role.ADMIN, **headers: str
) -> httpx.Response:
    return site.get(f"/v1/people{path}", role, method=method, body=body, **headers)


def add(site: Site, name: str = "li.wei", **fields: object) -> dict[str, Any]:
    answer = send(site, "POST", "", {"name": name, "role": "operator", **WHY, **fields})
    assert answer.status_code == 201, answer.text
    added: dict[str, Any] = answer.json()
    return added


def problem(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("urn:sightline:problem:")


def test_a_person_is_added_with_a_token_that_works_at_once(site: Site) -> None:
    scope = {"areas": ["danjiangkou/junzhou"]}
    answer = send(
        site,
        "POST",
        "",
        {"name": "li.wei", "role": "operator", "grants": ["exports"], "scope": scope, **WHY},
    )
    assert answer.status_code == 201
    assert answer.headers["Location"] == "/v1/people/li.wei"
    assert answer.headers["Cache-Control"] == "no-store"
    added = answer.json()
    assert added["warnings"] == []
    assert site.context.people.by_token(added["token"]) == Person(
        "li.wei",
        Role.OPERATOR,
        frozenset({Right.EXPORTS}),
        CameraScope(areas=("danjiangkou/junzhou",)),
    )
    read = send(site, "GET", "/li.wei")
    assert read.headers["ETag"] == answer.headers["ETag"] == '"1"'
    shown = read.json()
    assert (shown["role"], shown["grants"], shown["scope"]["areas"]) == (
        "operator",
        ["exports"],
        ["danjiangkou/junzhou"],
    )
    assert "exports" in shown["rights"]
    assert [token["name"] for token in shown["tokens"]] == ["first"]
    assert "token_sha256" not in read.text


def test_people_are_listed_in_pages_by_name(site: Site) -> None:
    for name in ("wang", "li", "zhang"):
        add(site, name)
    found, following = [], ""
    while following is not None:
        page = send(site, "GET", f"?limit=2{following and f'&next={following}'}").json()
        found += [one["name"] for one in page["items"]]
        following = page["next"]
    administrator = next(name for name in found if name.startswith("admin-"))
    assert found == [administrator, "li", "wang", "zhang"]


def test_a_token_is_in_no_line_and_in_no_stored_answer(site: Site) -> None:
    added = add(site)
    made = send(site, "POST", "/li.wei/tokens", {"token_name": "phone", **WHY}).json()
    kept = send(site, "POST", "/li.wei/tokens", {**WHY}, Idempotency_Key="a-key")
    assert (kept.status_code, kept.json()["field"]) == (400, "Idempotency-Key")
    refused = send(
        site, "POST", "", {"name": "wang", "role": "operator", **WHY}, Idempotency_Key="a-key"
    )
    assert (refused.status_code, refused.json()["field"]) == (400, "Idempotency-Key")
    assert send(site, "GET", "/wang").status_code == 404, "nothing was created"
    assert list(site.redis.do("KEYS", "{requests}*")) == []  # type: ignore[call-overload]
    lines = "\n".join(site.audit_lines())
    assert "li.wei" in lines
    assert added["token"] not in lines
    assert made["token"] not in lines


def test_a_name_is_used_once(site: Site) -> None:
    token = add(site)["token"]
    again = send(site, "POST", "", {"name": "li.wei", "role": "admin", **WHY})
    assert problem(again) == (409, "record_exists")
    person = site.context.people.by_token(token)
    assert person is not None
    assert person.role is Role.OPERATOR


def test_an_area_that_the_registry_lacks_is_accepted_with_a_warning(site: Site) -> None:
    scope = {"areas": ["never"], "cameras": ["no-gate", "east-gate"]}
    added = add(site, scope=scope)
    assert [warning.partition(";")[0] for warning in added["warnings"]] == [
        "the registry has no area 'never'",
        "the registry has no camera 'no-gate'",
    ]
    changed = send(site, "PATCH", "/li.wei", {"scope": {"areas": ["new"]}, **WHY}).json()
    assert len(changed["warnings"]) == 1
    assert changed["scope"] == {"areas": ["new"], "classes": [], "cameras": []}


def test_a_change_is_in_force_at_the_next_request(site: Site) -> None:
    token = add(site, scope={"areas": ["danjiangkou"]})["token"]
    changed = send(
        site, "PATCH", "/li.wei", {"role": "investigator", "grants": ["audit_read"], **WHY}
    )
    assert changed.headers["ETag"] == '"2"'
    person = site.context.people.by_token(token)
    assert person is not None
    assert (person.role, person.grants) == (Role.INVESTIGATOR, frozenset({Right.AUDIT_READ}))
    assert person.scope.areas == ("danjiangkou",), "what the request leaves out stays"


def test_only_an_explicit_null_removes_the_limits_of_a_scope(site: Site) -> None:
    token = add(site, scope={"areas": ["danjiangkou"]})["token"]
    empty = send(site, "PATCH", "/li.wei", {"scope": {}, **WHY})
    assert problem(empty) == (400, "query_invalid")
    assert "null means every camera" in empty.json()["detail"]
    assert send(site, "PATCH", "/li.wei", {"scope": None, **WHY}).status_code == 200
    person = site.context.people.by_token(token)
    assert person is not None
    assert person.scope.is_unlimited
    assert json.loads(site.audit_lines()[-1])["terms"]["scope"] == "null"


def test_a_change_of_an_older_version_is_refused(site: Site) -> None:
    add(site)
    tag = send(site, "GET", "/li.wei").headers["ETag"]
    first = send(site, "PATCH", "/li.wei", {"role": "auditor", **WHY}, If_Match=tag)
    assert first.status_code == 200
    for method, body in (("PATCH", {"role": "admin", **WHY}), ("DELETE", None)):
        late = send(site, method, "/li.wei", body, If_Match=tag)
        assert problem(late) == (412, "precondition_failed")
    assert send(site, "GET", "/li.wei").json()["role"] == "auditor"
    tag = first.headers["ETag"]
    assert send(site, "DELETE", "/li.wei", If_Match=tag).status_code == 200


def test_a_change_names_what_it_changes(site: Site) -> None:
    add(site)
    assert problem(send(site, "PATCH", "/li.wei", WHY)) == (400, "query_invalid")
    assert problem(send(site, "PATCH", "/li.wei", {"role": "auditor"})) == (400, "query_invalid")


@pytest.mark.parametrize(
    "change",
    [{"role": "investigator"}, {"grants": ["events_read"]}, {"grants": []}, {"scope": None}],
)
def test_an_administrator_cannot_change_their_own_rights(
    site: Site, change: dict[str, object]
) -> None:
    token = site.tokens[Role.ADMIN]
    person = site.context.people.by_token(token)
    assert person is not None
    refused = send(site, "PATCH", f"/{person.name}", {**change, **WHY})
    assert problem(refused) == (403, "second_person_required")
    assert "sightline user set" in refused.json()["detail"]
    assert site.context.people.by_token(token) == person
    second = add(site, "second", role="admin")["token"]
    headers = {"Authorization": f"Bearer {second}"}
    url = f"{site.url}/v1/people/{person.name}"
    by_second = site.http.patch(url, headers=headers, json={**change, **WHY})
    assert by_second.status_code == 200


def test_the_last_administrator_cannot_be_removed(site: Site) -> None:
    person = site.context.people.by_token(site.tokens[Role.ADMIN])
    assert person is not None
    add(site, "of-one-area", role="admin", scope={"areas": ["danjiangkou"]})
    refused = send(site, "DELETE", f"/{person.name}")
    assert problem(refused) == (403, "second_person_required")
    add(site, "second", role="admin")
    assert send(site, "DELETE", f"/{person.name}").status_code == 200
    assert send(site, "GET", "").status_code == 401


def test_a_removed_person_has_no_token(site: Site) -> None:
    token = add(site)["token"]
    without = site.get("/v1/people/li.wei", Role.ADMIN, reason=None, method="DELETE")
    assert problem(without) == (403, "reason_missing")
    assert send(site, "DELETE", "/li.wei").status_code == 200
    assert site.context.people.by_token(token) is None
    assert problem(send(site, "GET", "/li.wei")) == (404, "not_found")
    assert add(site)["token"] != token


def test_tokens_are_added_replaced_and_revoked(site: Site) -> None:
    first = add(site)["token"]
    answer = send(
        site,
        "POST",
        "/li.wei/tokens",
        {"token_name": "phone", "expires": "2099-01-01T00:00:00Z", **WHY},
    )
    assert answer.status_code == 201
    assert answer.headers["Location"] == "/v1/people/li.wei/tokens/phone"
    assert answer.json()["expires_at"] == "2099-01-01T00:00:00.000Z"
    phone = answer.json()["token"]
    replaced = send(site, "POST", "/li.wei/tokens", {"token_name": "phone", **WHY}).json()["token"]
    is_valid = [site.context.people.by_token(token) is not None for token in (first, phone)]
    assert is_valid == [True, False]
    line = json.loads(site.audit_lines()[-1])
    assert (line["terms"]["name"], line["terms"]["token_name"]) == ("li.wei", "phone")
    assert send(site, "DELETE", "/li.wei/tokens/phone").status_code == 200
    assert site.context.people.by_token(replaced) is None
    assert problem(send(site, "DELETE", "/li.wei/tokens/phone")) == (404, "not_found")


def test_an_expiry_in_the_past_is_refused(site: Site) -> None:
    past = {"expires": "2020-01-01T00:00:00Z", **WHY}
    for path, body in (("", {"name": "li.wei", "role": "operator"}), ("/li.wei/tokens", {})):
        answer = send(site, "POST", path, {**body, **past})
        assert (answer.status_code, answer.json()["field"]) == (400, "expires")


def test_an_administrator_with_a_limited_scope_is_refused(site: Site) -> None:
    token = add(site, "east", role="admin", scope={"areas": ["danjiangkou"]})["token"]
    headers = {"Authorization": f"Bearer {token}"}
    answer = site.http.get(f"{site.url}/v1/people", headers=headers)
    assert problem(answer) == (403, "forbidden")


def test_a_forged_record_is_named_and_not_served(site: Site) -> None:
    add(site)
    forged = json.loads(site.context.objects.get(person_object("li.wei", 1)))
    forged |= {"role": "admin", "version": 2}
    site.context.objects.put(
        person_object("li.wei", 2), json.dumps(forged).encode(), "application/json"
    )
    assert problem(send(site, "GET", "/li.wei")) == (500, "data_loss")
    site.context.people.index.restore()
    listed = send(site, "GET", "").json()
    assert listed["refused"] == ["li.wei"]
    assert "li.wei" not in [one["name"] for one in listed["items"]]


def test_a_person_of_the_identity_provider_is_shown_with_its_identity(site: Site) -> None:
    context = site.context
    zhang = ProviderIdentity(
        "https://id.example.cn", "7", "张三", Role.INVESTIGATOR, (), CameraScope()
    )
    record = ProviderPeople(context.people, site.redis, context.clock).admit(zhang)
    shown = send(site, "GET", f"/{record.name}").json()
    assert shown["identity"] == {
        "issuer": "https://id.example.cn",
        "subject": "7",
        "name": "张三",
    }
    add(site)
    assert send(site, "GET", "/li.wei").json()["identity"] is None
    refused = send(site, "POST", f"/{record.name}/tokens", {"token_name": "script", **WHY})
    assert problem(refused) == (400, "bad_input")
    assert "identity provider" in refused.json()["detail"]
    assert send(site, "DELETE", f"/{record.name}").status_code == 200
    with pytest.raises(Forbidden, match="was removed at this site"):
        ProviderPeople(context.people, site.redis, context.clock).admit(zhang)
