"""Cases, and what a policy demands of the case of a request."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from api.app import make_app
from domain.camera_scope import CameraScope
from domain.clock import ManualClock
from domain.errors import ObjectsUnavailable
from domain.paths.object_keys import CASES_PREFIX
from domain.people import Role
from domain.settings import Settings
from storage.clients.s3 import ObjectStat, ObjectStore
from storage.site.cases import Cases
from storage.site.signed_records import FRESH_S
from tests.api.policy.policy_site import PolicySite, open_policy_site, problem
from tests.people import PEOPLE_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.api.conftest import OpenSite
    from tests.conftest import S3Config

SEARCH = "/v1/events"
DEMAND = "{search: {calls: [events.search], needs: [case]}}"


def test_a_case_is_opened_read_changed_and_closed(city: PolicySite) -> None:
    opened = city.open_case("案2026-118")
    answer = city.get("wang", f"/v1/cases/{opened['id']}")
    assert answer.json() == opened
    assert (opened["number"], opened["state"], opened["opened_by"]) == ("案2026-118", "open", "li")
    tag = answer.headers["ETag"]
    path, body = f"/v1/cases/{opened['id']}", {"state": "closed", "reason": "solved"}
    closed = city.send("wang", "PATCH", path, body, If_Match=tag)
    assert (closed.json()["state"], closed.json()["closed_by"]) == ("closed", "wang")
    late = city.send("li", "PATCH", path, {"title": "x", "reason": "x"}, If_Match=tag)
    assert problem(late) == (412, "precondition_failed")
    assert city.get("li", "/v1/cases").json()["items"] == []
    assert [one["id"] for one in city.get("li", "/v1/cases?closed=1").json()["items"]] == [
        opened["id"]
    ]
    again = city.send("li", "PATCH", path, {"state": "open", "reason": "a new witness"})
    assert (again.json()["state"], again.json()["closed_by"]) == ("open", None)


def test_cases_are_listed_in_pages_the_newest_first(city: PolicySite) -> None:
    numbers = [city.open_case(f"2026-{number}")["number"] for number in range(3)]
    first = city.get("li", "/v1/cases?limit=2").json()
    second = city.get("li", f"/v1/cases?limit=2&next={first['next']}").json()
    found = [one["number"] for one in (*first["items"], *second["items"])]
    assert sorted(found) == sorted(numbers)
    assert second["next"] is None


def test_a_number_is_used_once_also_by_two_processes(city: PolicySite) -> None:
    with city.site.serve(make_app(city.site.context)) as url:

        def ask(address: str) -> int:
            body = {"number": "2026-118", "title": "theft", "reason": "reported"}
            return city.send("li", "POST", "/v1/cases", body, url=address).status_code

        with ThreadPoolExecutor(4) as threads:
            found = sorted(threads.map(ask, [city.site.url, url] * 2))
    assert found == [201, 409, 409, 409]


def test_a_repeated_request_opens_one_case(city: PolicySite) -> None:
    body = {"number": "2026-118", "title": "theft", "reason": "reported"}
    answers = [
        city.send("li", "POST", "/v1/cases", body, Idempotency_Key="a-key") for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert problem(city.send("li", "POST", "/v1/cases", body)) == (409, "record_exists")


def test_without_a_policy_no_case_is_demanded(city: PolicySite) -> None:
    assert city.get("zhao", SEARCH).status_code == 200
    assert city.get("zhao", SEARCH, X_Case="unknown").status_code == 200


def test_a_policy_demands_an_open_case_of_the_right_form(city: PolicySite) -> None:
    city.apply(r"{search: {calls: [events.search], needs: [case], case_pattern: '\d{4}-\d+'}}")
    without = city.get("zhao", SEARCH)
    assert problem(without) == (403, "case_required")
    assert "X-Case" in without.json()["detail"]
    wrong = city.get("zhao", SEARCH, X_Case="theft")
    assert "does not have the form" in wrong.json()["detail"]
    unknown = city.get("zhao", SEARCH, X_Case="2026-118")
    assert problem(unknown) == (403, "case_required")
    assert "there is no case" in unknown.json()["detail"]
    city.open_case("2026-119")
    assert city.get("zhao", SEARCH, X_Case="2026-119").status_code == 200
    assert city.get("zhao", "/v1/events/histogram").status_code == 200, "the policy names one call"
    chinese = city.get("zhao", SEARCH, Accept_Language="zh")
    assert chinese.json()["title"] == "此请求需要有效的案件编号"


def test_a_refusal_is_in_the_audit_log_and_a_case_finds_its_requests(city: PolicySite) -> None:
    city.apply(DEMAND)
    city.open_case("2026-118")
    city.get("zhao", SEARCH)
    city.get("zhao", SEARCH, X_Case="2026-118")
    refused, allowed = map(json.loads, city.site.audit_lines()[-2:])
    assert (refused["status"], refused["case"]) == (403, "")
    assert (allowed["status"], allowed["case"]) == (200, "2026-118")


def test_a_closed_case_is_refused_within_seconds_by_every_process(city: PolicySite) -> None:
    city.apply(DEMAND)
    opened = city.open_case("2026-118")
    assert city.get("zhao", SEARCH, X_Case="2026-118").status_code == 200
    clock = ManualClock()
    other = Cases(city.site.context.objects, PEOPLE_KEY, clock)
    known = other.recent("2026-118")
    assert known is not None
    assert known.state.value == "open"
    body = {"state": "closed", "reason": "solved"}
    city.send("li", "PATCH", f"/v1/cases/{opened['id']}", body)
    closed = city.get("zhao", SEARCH, X_Case="2026-118")
    assert problem(closed) == (403, "case_required")
    assert "is closed" in closed.json()["detail"]
    clock.advance(FRESH_S)
    known = other.recent("2026-118")
    assert known is not None
    assert known.state.value == "closed"


def test_a_change_names_its_case_in_the_body_or_in_the_header(city: PolicySite) -> None:
    city.apply("{keep: {rights: [evidence, watches], needs: [case]}}")
    hold = {
        "camera": "east-gate",
        "from": "2025-11-24T16:00:00Z",
        "to": "2025-11-24T17:00:00Z",
        "reason": "theft",
    }
    assert problem(city.send("li", "POST", "/v1/holds", hold)) == (403, "case_required")
    line = json.loads(city.site.audit_lines()[-1])
    assert (line["phase"], line["status"]) == ("outcome", 403), "no intent of a refused change"
    city.open_case("2026-118")
    assert city.send("li", "POST", "/v1/holds", hold, X_Case="2026-118").status_code == 201
    watch = {
        "plate": "鄂F88888",
        "until": "2099-01-01T00:00:00Z",
        "reason": "theft",
        "case": "2026-1",
    }
    assert problem(city.send("li", "POST", "/v1/watches", watch)) == (403, "case_required")


def test_a_policy_demands_a_reason_where_the_site_does_not(open_site: OpenSite) -> None:
    city = open_policy_site(open_site, settings=Settings(reason_required=False))
    city.add("zhao", Role.OPERATOR)
    assert city.get("zhao", SEARCH, X_Reason="").status_code == 200
    city.apply("{search: {calls: [events.search], needs: [reason]}}")
    assert problem(city.get("zhao", SEARCH, X_Reason="")) == (403, "reason_missing")
    assert city.get("zhao", SEARCH).status_code == 200


def test_a_person_with_a_limited_scope_lists_the_own_cases(city: PolicySite) -> None:
    other = city.open_case("2026-118")
    city.add("chen", scope=CameraScope(areas=("danjiangkou",)))
    own = city.open_case("2026-119", "chen")
    assert [one["id"] for one in city.get("chen", "/v1/cases").json()["items"]] == [own["id"]]
    hidden = city.get("chen", f"/v1/cases/{other['id']}")
    never = city.get("chen", f"/v1/cases/{'0' * 32}")
    assert problem(hidden) == problem(never) == (404, "not_found")
    city.apply(DEMAND)
    assert city.get("chen", SEARCH, X_Case="2026-118").status_code == 200, "it may be named"


def test_a_forged_case_opens_nothing(city: PolicySite) -> None:
    city.apply(DEMAND)
    opened = city.open_case("2026-118")
    city.send("li", "PATCH", f"/v1/cases/{opened['id']}", {"state": "closed", "reason": "solved"})
    objects = city.site.context.objects
    first = objects.get(f"{CASES_PREFIX}{opened['id']}/0000000001.json")
    objects.put(f"{CASES_PREFIX}{opened['id']}/0000000003.json", first, "application/json")
    cases = Cases(objects, PEOPLE_KEY, ManualClock())
    with city.site.serve(make_app(replace(city.site.context, cases=cases))) as url:
        answer = city.send("zhao", "GET", SEARCH, url=url, X_Case="2026-118")
    assert problem(answer) == (500, "data_loss")
    listed = city.get("li", "/v1/cases").json()
    assert [one["id"] for one in listed["damaged"]] == [opened["id"]]


class UnreachableStore(ObjectStore):
    """A store that can be made unreachable."""

    fails = False

    def list(self, prefix: str) -> Iterator[ObjectStat]:
        if self.fails:
            raise ObjectsUnavailable("connection refused")
        return super().list(prefix)


def test_a_known_case_stays_usable_while_the_store_is_unreachable(
    city: PolicySite, s3_server: S3Config
) -> None:
    store = UnreachableStore(
        s3_server.endpoint, s3_server.access_key, s3_server.secret_key, "api-tests"
    )
    clock = ManualClock()
    cases = Cases(store, PEOPLE_KEY, clock)
    city.open_case("2026-118")
    assert cases.recent("2026-118") is not None
    store.fails = True
    clock.advance(60)
    assert cases.recent("2026-118") is not None
    with pytest.raises(ObjectsUnavailable):
        cases.recent("2026-119")
