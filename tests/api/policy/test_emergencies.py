"""Emergency access passes case and approval, never right or scope, and is reviewed afterwards."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from domain.camera_scope import CameraScope
from domain.clock import NS_PER_S, ManualClock, rfc3339
from domain.people import Role
from storage.site.emergencies import WINDOW_S, Emergencies
from tests.api.browser import signed_in
from tests.api.policy.policy_site import PolicySite, problem
from tests.api.site_data import START_NS, record_segment
from tests.people import PEOPLE_KEY

if TYPE_CHECKING:
    from tests.api.site_data import MakeEvent

SEARCH = "/v1/events"
DEMAND = "{all: {rights: [events_read, evidence], needs: [reason, case, approval]}}"


def test_it_passes_the_case_and_the_approval_and_is_on_record(city: PolicySite) -> None:
    city.apply(DEMAND)
    assert problem(city.get("zhao", SEARCH)) == (403, "case_required")
    answer = city.get("zhao", SEARCH, X_Emergency="1", X_Reason="shooting")
    assert answer.status_code == 200
    (found,) = city.get("li", "/v1/emergencies").json()["items"]
    line = json.loads(city.site.audit_lines()[-2])
    assert (line["route"], line["terms"]["emergency"]) == ("events.search", found["id"])
    assert (found["person"], found["reason"], found["call"], found["verdict"]) == (
        "zhao",
        "shooting",
        "events.search",
        "open",
    )
    alarm = city.site.context.emergencies.alarm()
    assert alarm is not None
    assert alarm.startswith("1 emergency accesses wait for a review")


def test_it_needs_a_reason_and_an_exact_header(city: PolicySite) -> None:
    city.apply(DEMAND)
    without = city.get("zhao", SEARCH, X_Emergency="1", X_Reason="")
    assert problem(without) == (403, "reason_missing")
    wrong = city.get("zhao", SEARCH, X_Emergency="yes")
    assert (wrong.status_code, wrong.json()["field"]) == (400, "X-Emergency")
    assert city.get("li", "/v1/emergencies").json()["items"] == []


def test_it_passes_neither_right_nor_scope(city: PolicySite, make_event: MakeEvent) -> None:
    city.apply(DEMAND)
    event = make_event(camera="school")
    city.site.context.index.put(event)
    city.add("chen", scope=CameraScope(areas=("danjiangkou/junzhou",)))
    out_of_scope = city.get("chen", f"/v1/events/{event.id}", X_Emergency="1")
    assert problem(out_of_scope) == (404, "not_found")
    city.add("clerk", Role.AUDITOR)
    assert problem(city.get("clerk", SEARCH, X_Emergency="1")) == (403, "forbidden")


def test_it_is_for_accesses_and_not_for_changes(city: PolicySite) -> None:
    city.apply(DEMAND)
    hold = {
        "camera": "east-gate",
        "from": "2025-11-24T16:00:00Z",
        "to": "2025-11-24T17:00:00Z",
        "reason": "theft",
    }
    refused = city.send("li", "POST", "/v1/holds", hold, X_Emergency="1")
    assert problem(refused) == (403, "case_required")


def test_a_policy_can_switch_it_off(city: PolicySite) -> None:
    city.apply(DEMAND, emergency_access=False)
    answer = city.get("zhao", SEARCH, X_Emergency="1")
    assert problem(answer) == (403, "forbidden")
    assert "no emergency access" in answer.json()["detail"]


def test_it_does_nothing_where_nothing_is_demanded(city: PolicySite) -> None:
    assert city.get("zhao", SEARCH, X_Emergency="1").status_code == 200
    assert city.get("li", "/v1/emergencies").json()["items"] == []
    assert "emergency" not in city.site.audit_lines()[0]


def test_another_person_reviews_it_once(city: PolicySite) -> None:
    city.apply(DEMAND)
    city.get("li", SEARCH, X_Emergency="1")
    (found,) = city.get("li", "/v1/emergencies?pending=1").json()["items"]
    path = f"/v1/emergencies/{found['id']}"
    body = {"verdict": "justified", "reason": "the shooting of Monday"}
    assert problem(city.send("li", "PATCH", path, body)) == (403, "second_person_required")
    assert problem(city.send("zhao", "PATCH", path, body)) == (403, "forbidden")
    reviewed = city.send("wang", "PATCH", path, body).json()
    assert (reviewed["verdict"], reviewed["reviewed_by"]) == ("justified", "wang")
    assert reviewed["note"] == "the shooting of Monday"
    again = city.send("wang", "PATCH", path, {"verdict": "unjustified", "reason": "no"})
    assert problem(again) == (409, "record_ended")
    assert city.get("li", "/v1/emergencies?pending=1").json()["items"] == []
    assert city.get("wang", path).json()["verdict"] == "justified"
    emergencies = Emergencies(city.site.context.objects, PEOPLE_KEY, ManualClock())
    assert emergencies.alarm() is None


def test_a_reviewer_with_a_limited_scope_sees_what_the_scope_covers(city: PolicySite) -> None:
    city.apply(DEMAND)
    city.get("zhao", SEARCH, X_Emergency="1")
    city.add("chen", scope=CameraScope(areas=("danjiangkou/junzhou",)))
    city.add("east", scope=CameraScope(cameras=("east-gate",)))
    city.get("east", SEARCH, X_Emergency="1")
    found = city.get("chen", "/v1/emergencies").json()["items"]
    assert [one["person"] for one in found] == ["east"]


def test_the_accesses_of_ten_minutes_are_one_record(city: PolicySite) -> None:
    clock = ManualClock(wall_ns=1_760_000_400 * 10**9)
    emergencies = Emergencies(city.site.context.objects, PEOPLE_KEY, clock)
    first = emergencies.add("zhao", "operator", "::1", "shooting", "", "event.clip", {})
    clock.advance(WINDOW_S - 1)
    assert emergencies.add("zhao", "operator", "::1", "shooting", "", "event.clip", {}) == first
    other = emergencies.add("zhao", "operator", "::1", "another reason", "", "event.clip", {})
    clock.advance(1)
    later = emergencies.add("zhao", "operator", "::1", "shooting", "", "event.clip", {})
    assert len({first, other, later}) == 3
    assert len(emergencies.all().records) == 3


def test_a_session_asks_for_it_for_half_an_hour(city: PolicySite) -> None:
    city.apply(DEMAND)
    browser = signed_in(city.site, name="zhao")
    assert problem(browser.get(SEARCH)) == (403, "reason_missing")
    url = f"{city.site.url}/v1/session"
    no_reason = city.site.http.patch(
        url, headers=browser.headers(), json={"reason": "", "emergency": True}
    )
    assert (no_reason.status_code, no_reason.json()["field"]) == (400, "reason")
    bound = city.site.http.patch(
        url, headers=browser.headers(), json={"reason": "shooting", "emergency": True}
    )
    assert bound.json()["emergency_until"] is not None
    assert browser.get(SEARCH).status_code == 200
    own = browser.get(SEARCH, X_Reason="something else")
    assert problem(own) == (403, "case_required"), "a request that states its own reason"
    record = city.site.context.sessions.find(browser.cookie)
    assert record is not None
    until_ns = record.record.emergency_until
    assert until_ns is not None
    assert record.record.is_emergency_at(until_ns - 1)
    assert not record.record.is_emergency_at(until_ns)


def test_a_ticket_of_an_emergency_access_rests_on_it(city: PolicySite) -> None:
    city.apply(DEMAND)
    path = "/v1/events/feed/ticket"
    address = city.get("zhao", path, X_Emergency="1").json()["address"]
    assert city.site.http.get(f"{city.site.url}{address}&seconds=0").status_code == 200
    line = json.loads(city.site.audit_lines()[-1])
    (found,) = city.get("li", "/v1/emergencies").json()["items"]
    assert (line["route"], line["terms"]["emergency"]) == ("events.feed", found["id"])


def test_it_joins_no_viewing_that_needed_none(city: PolicySite) -> None:
    """The line of a viewing would hide it."""
    record_segment(city.site.layout, "east-gate", START_NS, 4)
    city.site.hold("east-gate")
    span = f"from={rfc3339(START_NS)}&to={rfc3339(START_NS + 4 * NS_PER_S)}"
    path = f"/v1/cameras/east-gate/recording?{span}"
    for _ in range(2):
        assert city.get("zhao", path).status_code == 200
    assert len(city.site.audit_lines()) == 1
    city.apply("{recordings: {calls: [camera.recording], needs: [approval]}}")
    for _ in range(2):
        assert city.get("zhao", path, X_Emergency="1").status_code == 200
    usual, emergency = map(json.loads, city.site.audit_lines())
    assert "emergency" not in usual["terms"]
    assert emergency["terms"]["emergency"]
