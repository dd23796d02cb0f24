"""The four-eyes principle: a second person approves one call, and the approval ends by itself."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from api.app import make_app
from domain.access_policy.terms import are_terms_covered
from domain.camera_scope import CameraScope
from domain.clock import NS_PER_HOUR, ManualClock
from domain.errors import RecordEnded
from domain.paths.object_keys import APPROVALS_PREFIX
from domain.people import Person, Right, Role
from storage.site.approvals import ApprovalRecord, Approvals, Decision
from tests.api.policy.policy_site import PolicySite, problem
from tests.people import PEOPLE_KEY

if TYPE_CHECKING:
    from tests.api.site_data import MakeEvent

SEARCH = "/v1/events?plate=鄂F88888"
DEMAND = "{search: {calls: [events.search], needs: [approval]}}"
PICTURE = "{pictures: {rights: [live_view], needs: [approval]}}"
ZHAO = Person("zhao", Role.OPERATOR)


def test_an_approved_person_repeats_the_call(city: PolicySite) -> None:
    city.apply(DEMAND)
    refused = city.get("zhao", SEARCH)
    assert problem(refused) == (403, "approval_required")
    assert refused.json()["approval"] == {
        "url": "/v1/approvals",
        "call": "events.search",
        "terms": {"plate": "鄂F88888"},
    }
    asked = city.request("zhao", refused)
    assert (asked["person"], asked["decision"]) == ("zhao", "pending")
    assert problem(city.get("zhao", SEARCH)) == (403, "approval_required")
    decided = city.decide("li", asked["id"])
    assert (decided.status_code, decided.json()["decided_by"]) == (200, "li")
    assert city.get("zhao", f"{SEARCH}&limit=5").status_code == 200
    line = json.loads(city.site.audit_lines()[-1])
    assert (line["person"], line["terms"]["approval"]) == ("zhao", asked["id"])
    for other in ("/v1/events", "/v1/events?plate=鄂F88889", f"{SEARCH}&fuzzy=1"):
        assert problem(city.get("zhao", other)) == (403, "approval_required"), other
    assert problem(city.get("wang", SEARCH)) == (403, "approval_required"), "another person"
    other_case = city.get("zhao", SEARCH, X_Case="2026-1")
    assert problem(other_case) == (403, "approval_required"), "another case"


def test_each_step_is_in_the_audit_log(city: PolicySite) -> None:
    city.apply(DEMAND)
    asked = city.request("zhao", city.get("zhao", SEARCH))
    city.decide("li", asked["id"])
    lines = [json.loads(line) for line in city.site.audit_lines()]
    steps = [(line["person"], line["route"], line["phase"]) for line in lines]
    assert steps == [
        ("zhao", "events.search", "access"),
        ("zhao", "approval.request", "intent"),
        ("zhao", "approval.request", "outcome"),
        ("li", "approval.decide", "intent"),
        ("li", "approval.decide", "outcome"),
    ]
    assert lines[2]["terms"]["approval"] == asked["id"]
    assert (lines[4]["terms"]["id"], lines[4]["terms"]["person"]) == (asked["id"], "zhao")
    assert json.loads(lines[1]["terms"]["terms"]) == {"plate": "鄂F88888"}


def test_no_person_approves_the_own_request_with_any_token(city: PolicySite) -> None:
    city.apply(DEMAND)
    asked = city.request("li", city.get("li", SEARCH))
    assert problem(city.decide("li", asked["id"])) == (403, "second_person_required")
    city.tokens["li with another token"] = city.site.context.people.add_token("li", "phone").token
    own = city.decide("li with another token", asked["id"])
    assert problem(own) == (403, "second_person_required")
    assert problem(city.get("li", SEARCH)) == (403, "approval_required")
    assert problem(city.decide("zhao", asked["id"])) == (403, "forbidden"), "without the right"
    assert city.decide("wang", asked["id"]).status_code == 200
    assert city.get("li", SEARCH).status_code == 200


def test_a_refused_or_revoked_approval_allows_nothing(city: PolicySite) -> None:
    city.apply(DEMAND)
    refused = city.get("zhao", SEARCH)
    first = city.request("zhao", refused)
    assert city.decide("li", first["id"], "refused").json()["note"] == "it is right"
    assert problem(city.get("zhao", SEARCH)) == (403, "approval_required")
    assert problem(city.decide("li", first["id"])) == (409, "record_ended")
    second = city.request("zhao", refused)
    tag = city.decide("li", second["id"]).headers["ETag"]
    assert city.get("zhao", SEARCH).status_code == 200
    late = city.decide("wang", second["id"], "refused", If_Match='"1"')
    assert problem(late) == (412, "precondition_failed")
    assert city.decide("wang", second["id"], "refused", If_Match=tag).status_code == 200
    assert problem(city.get("zhao", SEARCH)) == (403, "approval_required")


def test_one_of_two_decisions_at_the_same_time_counts(city: PolicySite) -> None:
    """Both processes see the pending request; the store keeps one next version."""
    city.apply(DEMAND)
    asked = city.request("zhao", city.get("zhao", SEARCH))
    with (
        city.site.serve(make_app(city.site.context)) as url,
        ThreadPoolExecutor(2) as threads,
    ):

        def refuse(address: str) -> int:
            body = {"decision": "refused", "reason": "no"}
            path = f"/v1/approvals/{asked['id']}"
            return city.send("li", "PATCH", path, body, url=address).status_code

        found = sorted(threads.map(refuse, (city.site.url, url)))
    assert found == [200, 409]


def test_an_approval_of_one_process_is_valid_in_another(city: PolicySite) -> None:
    city.apply(DEMAND)
    asked = city.request("zhao", city.get("zhao", SEARCH))
    city.decide("li", asked["id"])
    objects, clock = city.site.context.objects, city.site.context.clock
    other = replace(city.site.context, approvals=Approvals(objects, PEOPLE_KEY, clock))
    with city.site.serve(make_app(other)) as url:
        assert city.send("zhao", "GET", SEARCH, url=url).status_code == 200
        city.decide("wang", asked["id"], "refused")
        ended = city.send("zhao", "GET", SEARCH, url=url)
        assert problem(ended) == (403, "approval_required")


def test_a_forged_approval_allows_nothing(city: PolicySite) -> None:
    city.apply(DEMAND)
    asked = city.request("zhao", city.get("zhao", SEARCH))
    objects = city.site.context.objects
    key = f"{APPROVALS_PREFIX}{asked['id']}/000000000{{}}.json"
    forged = json.loads(objects.get(key.format(1)))
    forged |= {"version": 2, "decision": "approved", "decided_by": "li"}
    objects.put(key.format(2), json.dumps(forged).encode(), "application/json")
    assert problem(city.get("zhao", SEARCH)) == (403, "approval_required")
    damaged = city.get("li", "/v1/approvals").json()["damaged"]
    assert "not signed by this site" in damaged[0]["why"]


def test_only_an_approver_of_the_scope_sees_and_decides_a_request(
    city: PolicySite, make_event: MakeEvent
) -> None:
    city.apply("{clips: {calls: [event.read, events.search], needs: [approval]}}")
    event = make_event(camera="school")
    city.site.context.index.put(event)
    city.add("of-junzhou", scope=CameraScope(areas=("danjiangkou/junzhou",)))
    city.add("of-danjiangkou", scope=CameraScope(areas=("danjiangkou",)))
    asked = city.request("zhao", city.get("zhao", f"/v1/events/{event.id}"))
    hidden = city.decide("of-junzhou", asked["id"])
    never = city.decide("of-junzhou", "20200101-00000000")
    assert problem(hidden) == problem(never) == (404, "not_found")
    assert city.get("of-junzhou", "/v1/approvals").json()["items"] == []
    assert city.decide("of-danjiangkou", asked["id"]).status_code == 200
    search = city.request("zhao", city.get("zhao", SEARCH))
    assert problem(city.decide("of-danjiangkou", search["id"])) == (404, "not_found"), (
        "the search of a person without limits may show any camera"
    )
    asked = city.request("of-junzhou", city.get("of-junzhou", SEARCH))
    assert city.decide("of-danjiangkou", asked["id"]).status_code == 200


def test_a_person_lists_the_own_requests_and_an_approver_those_of_others(
    city: PolicySite,
) -> None:
    city.apply(DEMAND)
    asked = city.request("zhao", city.get("zhao", SEARCH))
    own = city.request("li", city.get("li", SEARCH))
    listed = [one["id"] for one in city.get("zhao", "/v1/approvals").json()["items"]]
    assert listed == [asked["id"]]
    assert problem(city.get("zhao", f"/v1/approvals/{own['id']}")) == (404, "not_found")
    assert city.get("zhao", f"/v1/approvals/{asked['id']}").json()["id"] == asked["id"]
    city.decide("wang", own["id"])
    pending = city.get("li", "/v1/approvals?pending=1").json()["items"]
    assert [one["id"] for one in pending] == [asked["id"]]
    assert len(city.get("li", "/v1/approvals").json()["items"]) == 2


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"call": "events.serch"}, "call"),
        ({"call": "events.histogram"}, "call"),
        ({"call": "approval.decide"}, "call"),
        ({"call": "event.read", "terms": {}}, "terms"),
    ],
)
def test_a_request_for_nothing_that_can_be_approved_is_refused(
    city: PolicySite, fields: dict[str, object], field: str
) -> None:
    city.apply("{search: {calls: [events.search, event.read], needs: [approval]}}")
    answer = city.send("zhao", "POST", "/v1/approvals", {"reason": "needed", **fields})
    assert (answer.status_code, answer.json()["field"]) == (400, field)


def test_a_request_needs_the_right_and_the_case_of_the_call(city: PolicySite) -> None:
    city.apply("{log: {calls: [audit.read, events.search], needs: [case, approval]}}")
    log = {"call": "audit.read", "reason": "needed"}
    assert problem(city.send("zhao", "POST", "/v1/approvals", log)) == (403, "forbidden")
    body: dict[str, object] = {
        "call": "events.search",
        "terms": {"plate": "鄂F88888"},
        "reason": "needed",
    }
    assert problem(city.send("zhao", "POST", "/v1/approvals", body)) == (403, "case_required")
    city.open_case("2026-118")
    body["case"] = "2026-118"
    asked = city.send("zhao", "POST", "/v1/approvals", body).json()
    city.decide("li", asked["id"])
    assert problem(city.get("zhao", SEARCH)) == (403, "case_required")
    assert city.get("zhao", SEARCH, X_Case="2026-118").status_code == 200


def test_a_change_is_approved_with_what_it_changes(city: PolicySite) -> None:
    city.apply("{people: {calls: [person.change], needs: [approval]}}")
    city.add("chief", Role.ADMIN)
    body = {"role": "auditor", "reason": "new duties"}
    refused = city.send("chief", "PATCH", "/v1/people/zhao", body)
    assert refused.json()["approval"]["terms"] == {"role": "auditor", "name": "zhao"}
    city.decide("li", city.request("chief", refused)["id"])
    wider = {"role": "admin", "reason": "new duties"}
    other = city.send("chief", "PATCH", "/v1/people/zhao", wider)
    assert problem(other) == (403, "approval_required")
    assert city.send("chief", "PATCH", "/v1/people/zhao", body).status_code == 200


def test_an_approval_holds_for_the_ticket_that_is_derived_from_it(city: PolicySite) -> None:
    city.apply("{feeds: {calls: [events.feed, events.feed_ticket], needs: [approval]}}")
    path = "/v1/events/feed/ticket"
    asked = city.request("zhao", city.get("zhao", path))
    city.decide("li", asked["id"])
    address = city.get("zhao", path).json()["address"]
    opened = city.site.http.get(f"{city.site.url}{address}&seconds=0")
    assert opened.status_code == 200
    line = json.loads(city.site.audit_lines()[-1])
    assert (line["route"], line["terms"]["approval"]) == ("events.feed", asked["id"])
    city.decide("wang", asked["id"], "refused")
    revoked = city.site.http.get(f"{city.site.url}{address}&seconds=0")
    assert problem(revoked) == (403, "approval_required")


def test_a_ticket_without_an_approval_is_refused_when_the_policy_demands_one(
    city: PolicySite,
) -> None:
    address = city.get("zhao", "/v1/events/feed/ticket").json()["address"]
    assert city.site.http.get(f"{city.site.url}{address}&seconds=0").status_code == 200
    city.apply("{feeds: {calls: [events.feed], needs: [approval]}}")
    refused = city.site.http.get(f"{city.site.url}{address}&seconds=0")
    assert problem(refused) == (403, "approval_required")


def record(clock: ManualClock, **fields: object) -> ApprovalRecord:
    known: dict[str, object] = {
        "id": "20251009-00000001",
        "person": "zhao",
        "call": "events.search",
        "terms": {},
        "reason": "needed",
        "case": "",
        "requested_at": clock.wall_ns(),
        "ends_at": clock.wall_ns() + NS_PER_HOUR,
    }
    return ApprovalRecord.model_validate(known | fields)


def test_an_approval_ends_by_itself(city: PolicySite) -> None:
    clock = ManualClock()
    approvals = Approvals(city.site.context.objects, PEOPLE_KEY, clock)
    approvals.request(record(clock))
    clock.advance(3599)
    assert approvals.in_force(ZHAO, "events.search", "", {}) is None
    approvals.decide("20251009-00000001", "li", Decision.APPROVED, "", NS_PER_HOUR)
    clock.advance(3599)
    found = approvals.in_force(ZHAO, "events.search", "", {})
    assert found is not None
    clock.advance(1)
    assert approvals.in_force(ZHAO, "events.search", "", {}) is None


def test_a_request_that_nobody_decides_expires(city: PolicySite) -> None:
    clock = ManualClock()
    approvals = Approvals(city.site.context.objects, PEOPLE_KEY, clock)
    approvals.request(record(clock))
    clock.advance(3600)
    with pytest.raises(RecordEnded):
        approvals.decide("20251009-00000001", "li", Decision.APPROVED, "", NS_PER_HOUR)


@pytest.mark.parametrize(
    ("called", "is_covered"),
    [
        ({"id": "gate", "from": "2026-11-24T10:00:00Z", "to": "2026-11-24T11:00:00Z"}, True),
        ({"id": "gate", "from": "2026-11-24T18:30:00+08:00", "to": "2026-11-24T10:40:00Z"}, True),
        ({"id": "gate", "from": "2026-11-24T09:59:59Z", "to": "2026-11-24T11:00:00Z"}, False),
        ({"id": "gate", "from": "2026-11-24T10:00:00Z", "to": "2026-11-24T11:00:01Z"}, False),
        ({"id": "gate", "from": "2026-11-24T10:00:00Z"}, False),
        ({"id": "other", "from": "2026-11-24T10:00:00Z", "to": "2026-11-24T11:00:00Z"}, False),
        ({"id": "gate", "from": "x", "to": "2026-11-24T11:00:00Z"}, False),
    ],
)
def test_a_part_of_the_approved_range_is_covered(called: dict[str, str], is_covered: bool) -> None:
    approved = {"id": "gate", "from": "2026-11-24T10:00:00Z", "to": "2026-11-24T11:00:00Z"}
    assert are_terms_covered(approved, called) is is_covered
    assert are_terms_covered(approved, {**called, "range": "bytes=0-9"}) is is_covered
    assert not are_terms_covered(approved, {**called, "stream": "sub"})


def test_the_right_to_approve_alone_is_enough(city: PolicySite) -> None:
    city.apply(PICTURE)
    city.add("judge", Role.AUDITOR, (Right.APPROVALS,))
    city.site.hold("east-gate")
    city.site.pictures["east-gate"] = b"a picture"
    path = "/v1/cameras/east-gate/picture"
    city.decide("judge", city.request("zhao", city.get("zhao", path))["id"])
    assert city.get("zhao", path).status_code == 200
