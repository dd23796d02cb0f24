"""Attacks on approvals, cases and emergency access. Each has a positive control."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from domain.camera_scope import CameraScope
from domain.clock import NS_PER_S, ManualClock, rfc3339
from domain.people import Right, Role
from domain.settings import Settings
from storage.site import approvals, emergencies
from storage.site.emergencies import Emergencies, Verdict
from tests.api.policy.policy_site import PolicySite, open_policy_site, problem
from tests.people import PEOPLE_KEY

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite

SEARCH = "/v1/events?plate=鄂F88888"
SEARCHES = "{search: {calls: [events.search], needs: [approval]}}"
PLACES = "{watches: {calls: [watch.place], needs: [approval]}}"
EMERGENCIES = "{all: {rights: [events_read], needs: [case, approval]}}"
NEEDED = (403, "approval_required")
NOT_FOUND = (404, "not_found")


@pytest.fixture
def city(open_site: OpenSite) -> PolicySite:
    """A site with two investigators, `li` and `wang`, and an operator, `zhao`."""
    found = open_policy_site(open_site, settings=Settings(webhook_networks="127.0.0.0/8"))
    found.add("li")
    found.add("wang")
    found.add("zhao", Role.OPERATOR)
    return found


def _approve(city: PolicySite, name: str, path: str, **headers: str) -> None:
    asked = city.request(name, city.get(name, path, **headers))
    assert city.decide("wang", asked["id"]).status_code == 200


def test_an_approved_search_is_no_export(city: PolicySite) -> None:
    """`Accept` makes thousands of rows of what was approved as a page."""
    city.apply(SEARCHES)
    _approve(city, "zhao", SEARCH)
    assert city.get("zhao", SEARCH).status_code == 200
    for accept in ("text/csv", "application/x-ndjson", "text/*;q=0.9, application/json;q=0.1"):
        assert problem(city.get("zhao", SEARCH, Accept=accept)) == NEEDED, accept
    assert problem(city.get("zhao", f"{SEARCH}&format=csv")) == NEEDED
    refused = city.get("zhao", SEARCH, Accept="text/csv").json()["approval"]
    assert refused["terms"] == {"plate": "鄂F88888", "format": "csv"}
    _approve(city, "zhao", f"{SEARCH}&format=csv")
    for path, accept in ((SEARCH, "text/csv"), (f"{SEARCH}&format=csv", "*/*")):
        assert city.get("zhao", path, Accept=accept).status_code == 200
    assert problem(city.get("zhao", SEARCH, Accept="application/x-ndjson")) == NEEDED
    line = json.loads(city.site.audit_lines()[-2])
    assert line["terms"]["format"] == "csv", "the audit log names the export too"


def test_an_approved_watch_gets_no_other_webhook(city: PolicySite) -> None:
    """The matches of the watch would go to a host that the second person has not seen."""
    city.apply(PLACES)
    watch = {
        "plate": "鄂F88888",
        "until": rfc3339(city.site.context.clock.wall_ns() + 3600 * NS_PER_S),
        "reason": "theft",
        "case": "2026-118",
    }
    hook = {"webhook": "http://127.0.0.1:9/matches?key=pass"}

    def place(**more: str) -> tuple[int, str]:
        answer = city.send("li", "POST", "/v1/watches", watch | more)
        return (201, "placed") if answer.status_code == 201 else problem(answer)

    refused = city.send("li", "POST", "/v1/watches", watch)
    asked = city.request("li", refused, case="2026-118")
    city.decide("wang", asked["id"])
    assert place(**hook) == NEEDED
    assert place() == (201, "placed")
    with_hook = city.send("li", "POST", "/v1/watches", watch | hook)
    shown = with_hook.json()["approval"]["terms"]["webhook"]
    assert shown.startswith("http://127.0.0.1:9 (SHA-256 ")
    assert "pass" not in with_hook.text
    city.decide("wang", city.request("li", with_hook, case="2026-118")["id"])
    for other in ("http://127.0.0.1:9/matches?key=fast", "http://127.0.0.2:9/matches?key=pass"):
        assert place(webhook=other) == NEEDED
    assert place(**hook) == (201, "placed")
    assert "pass" not in "".join(city.site.audit_lines())


def test_an_approval_for_one_call_opens_no_other(city: PolicySite) -> None:
    city.apply("{all: {rights: [events_read], needs: [approval]}}")
    _approve(city, "zhao", SEARCH)
    for path in (
        "/v1/events",
        "/v1/events?plate=鄂F8888?",
        "/v1/events?plate=鄂F88888&camera=school",
        "/v1/events/histogram?plate=鄂F88888&from=2026-11-24T10:00:00Z&to=2026-11-24T11:00:00Z",
        "/v1/journeys?plate=鄂F88888",
        "/v1/journeys/impossible?plate=鄂F88888",
        "/v1/events/feed?plate=鄂F88888&seconds=0",
        "/v1/events/feed/ticket",
    ):
        assert problem(city.get("zhao", path)) == NEEDED, path
    twice = city.get("zhao", f"{SEARCH}&plate=鄂F88889")
    assert problem(twice) in (NEEDED, (400, "query_invalid"))
    for path in (SEARCH, f"{SEARCH}&order=oldest", f"{SEARCH}&limit=1"):
        assert city.get("zhao", path).status_code == 200, path


def test_a_picture_of_the_past_needs_what_recordings_need(city: PolicySite) -> None:
    """One picture for each second would be the recording, and the policy would not apply."""
    city.apply("{recordings: {rights: [recordings_read], needs: [approval]}}")
    city.site.hold("school")
    city.site.pictures["school"] = b"a picture"
    path = "/v1/cameras/school/picture"
    assert city.get("zhao", path).status_code == 200
    past = f"{path}?at=2026-11-24T10:00:00Z"
    assert problem(city.get("zhao", past)) == NEEDED
    _approve(city, "zhao", past)
    assert problem(city.get("zhao", past)) == NOT_FOUND, "nothing was recorded then"
    assert problem(city.get("zhao", f"{path}?at=2026-11-24T10:00:01Z")) == NEEDED
    city.add("guard", Role.INTEGRATOR, (Right.LIVE_VIEW,))
    assert city.get("guard", path).status_code == 200
    assert problem(city.get("guard", past)) == (403, "forbidden")


def test_a_change_that_does_the_same_needs_what_the_policy_demands(city: PolicySite) -> None:
    """A hold that ends in a moment is a released one, and a longer watch is a further one."""
    clock = city.site.context.clock

    def later(seconds: int) -> str:
        return rfc3339(clock.wall_ns() + seconds * NS_PER_S)

    day = {"from": "2026-11-24T10:00:00Z", "to": "2026-11-24T11:00:00Z"}
    hold = city.send("li", "POST", "/v1/holds", {"camera": "school", "reason": "theft", **day})
    asked = {"plate": "鄂F88888", "until": later(60), "reason": "theft", "case": "2026-118"}
    watch = city.send("li", "POST", "/v1/watches", asked)
    city.apply("{both: {calls: [hold.release, watch.place], needs: [approval]}}")
    for made in (hold, watch):
        assert made.status_code == 201, made.text
        path, body = made.headers["Location"], {"until": later(3600), "reason": "theft"}
        refused = city.send("li", "PATCH", path, body)
        assert problem(refused) == NEEDED, path
        city.decide("wang", city.request("li", refused)["id"])
        assert city.send("li", "PATCH", path, body).status_code == 200, "the positive control"
        assert problem(city.send("li", "PATCH", path, body | {"until": later(7200)})) == NEEDED


@pytest.mark.parametrize("governed", ["camera.live", "camera.whep"])
def test_live_video_by_another_protocol_needs_what_the_policy_demands(
    city: PolicySite, governed: str
) -> None:
    city.apply(f"{{live: {{calls: [{governed}], needs: [approval]}}}}")
    assert problem(city.get("zhao", "/v1/cameras/school/live")) == NEEDED
    headers = {"Authorization": f"Bearer {city.tokens['zhao']}", "X-Reason": "a test"}
    opened = city.site.http.post(
        f"{city.site.url}/v1/cameras/school/whep",
        content="v=0",
        headers=headers | {"Content-Type": "application/sdp"},
    )
    assert problem(opened) == NEEDED


def test_a_later_person_of_the_same_name_inherits_nothing(city: PolicySite) -> None:
    """Names are free again when a person is removed; approvals, cases and watches name people."""
    city.add("chen", scope=CameraScope(areas=("danjiangkou",)))
    city.open_case("2026-118", "chen")
    case = city.open_case("2026-119", "chen")
    watch = {
        "plate": "鄂F88888",
        "until": rfc3339(city.site.context.clock.wall_ns() + 3600 * NS_PER_S),
        "reason": "theft",
        "case": "2026-118",
    }
    key = {"Idempotency_Key": "key-of-chen"}
    placed = city.send("chen", "POST", "/v1/watches", watch, **key)
    assert placed.status_code == 201
    city.apply(SEARCHES)
    asked = city.request("chen", city.get("chen", SEARCH))
    city.decide("wang", asked["id"])
    own = (f"/v1/watches/{placed.json()['id']}", f"/v1/cases/{case['id']}", SEARCH)
    for path in (*own, f"/v1/approvals/{asked['id']}"):
        assert city.get("chen", path).status_code == 200, path

    city.site.context.people.remove("chen")
    city.add("chen", scope=CameraScope(cameras=("school",)))
    assert problem(city.get("chen", SEARCH)) == NEEDED
    assert problem(city.get("chen", own[0])) == NOT_FOUND
    assert problem(city.get("chen", own[1])) == NOT_FOUND
    assert problem(city.get("chen", f"/v1/approvals/{asked['id']}")) == NOT_FOUND
    assert city.get("chen", "/v1/watches").json()["items"] == []
    assert city.get("chen", "/v1/cases").json()["items"] == []
    again = city.send("chen", "POST", "/v1/watches", watch, **key)
    assert again.status_code == 201
    assert again.json()["id"] != placed.json()["id"]
    assert "Idempotency-Replayed" not in again.headers
    repeated = city.send("chen", "POST", "/v1/watches", watch, **key)
    assert repeated.json()["id"] == again.json()["id"]


def test_an_access_after_the_review_waits_for_one_of_its_own(city: PolicySite) -> None:
    """Within ten minutes it would be part of a record that was reviewed before it happened."""
    clock = ManualClock(wall_ns=1_760_000_400 * NS_PER_S)
    stored = Emergencies(city.site.context.objects, PEOPLE_KEY, clock)

    def access() -> str:
        return stored.add("zhao", "operator", "::1", "shooting", "", "events.search", {})

    def waiting() -> list[str]:
        return [one.id for one in stored.all().records if one.verdict is Verdict.OPEN]

    first = access()
    assert access() == first, "one record until the review"
    stored.review(first, "wang", Verdict.JUSTIFIED, "seen")
    assert waiting() == []
    second = access()
    assert waiting() == [second]
    stored.review(second, "wang", Verdict.UNJUSTIFIED, "no danger")
    third = access()
    assert waiting() == [third]
    assert len({first, second, third}) == 3


def test_a_ticket_of_an_unjustified_emergency_opens_nothing(city: PolicySite) -> None:
    city.apply(EMERGENCIES)
    address = city.get("zhao", "/v1/events/feed/ticket", X_Emergency="1").json()["address"]

    def opened() -> int:
        return city.site.http.get(f"{city.site.url}{address}&seconds=0").status_code

    assert opened() == 200
    (found,) = city.get("li", "/v1/emergencies").json()["items"]
    body = {"verdict": "unjustified", "reason": "no danger"}
    assert city.send("li", "PATCH", f"/v1/emergencies/{found['id']}", body).status_code == 200
    city.site.eventually(lambda: opened() == 403)


def test_another_spelling_of_a_case_is_recorded_under_its_number(city: PolicySite) -> None:
    """An auditor who lists the accesses of the case would not find those of another spelling."""
    city.apply("{all: {rights: [events_read], needs: [case]}}")
    city.open_case("2026-118")
    spelling = quote("２０２６-118")
    for number in ("2026-118", spelling):
        assert city.get("zhao", "/v1/events", X_Case=number).status_code == 200
        assert json.loads(city.site.audit_lines()[-1])["case"] == "2026-118"
    assert problem(city.get("zhao", "/v1/events", X_Case="2026-119")) == (403, "case_required")


def test_requests_that_fill_the_lists_of_others(
    city: PolicySite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each check of a call reads the requests for approval of the day."""
    monkeypatch.setattr(approvals, "MOST_WAITING", 3)
    monkeypatch.setattr(emergencies, "MOST_WAITING", 3)
    city.apply("{all: {rights: [events_read], needs: [approval]}}")
    asked = {"call": "events.search", "reason": "needed"}
    sent = [
        city.send("zhao", "POST", "/v1/approvals", asked | {"terms": {"plate": f"鄂F8888{at}"}})
        for at in range(4)
    ]
    assert [one.status_code for one in sent] == [201, 201, 201, 429]
    assert city.send("li", "POST", "/v1/approvals", asked).status_code == 201
    city.decide("wang", sent[0].json()["id"])
    assert city.send("zhao", "POST", "/v1/approvals", asked).status_code == 201

    def access(name: str, reason: str) -> int:
        return city.get(name, "/v1/events", X_Emergency="1", X_Reason=reason).status_code

    assert [access("zhao", f"reason {at}") for at in range(4)] == [200, 200, 200, 429]
    assert access("li", "reason 0") == 200


@pytest.mark.parametrize("is_emergency", [False, True])
def test_an_open_feed_ends_with_what_it_rests_on(city: PolicySite, is_emergency: bool) -> None:
    """A live view has no other end than this one, and a feed lasts for an hour."""
    city.apply("{all: {rights: [events_read], needs: [approval]}}")
    path, more = "/v1/events/feed", {"X_Emergency": "1"} if is_emergency else {}
    if not is_emergency:
        _approve(city, "zhao", path)
    headers = {"Authorization": f"Bearer {city.tokens['zhao']}", "X-Reason": "a test"}
    headers |= {name.replace("_", "-"): value for name, value in more.items()}
    with city.site.http.stream("GET", f"{city.site.url}{path}", headers=headers) as answer:
        assert answer.status_code == 200
        lines = answer.iter_lines()
        next(lines)
        if is_emergency:
            (found,) = city.get("li", "/v1/emergencies").json()["items"]
            body = {"verdict": "unjustified", "reason": "no danger"}
            done = city.send("li", "PATCH", f"/v1/emergencies/{found['id']}", body)
        else:
            (found,) = city.get("li", "/v1/approvals").json()["items"]
            done = city.decide("li", found["id"], "refused")
        assert done.status_code == 200
        # Reading to the end is the proof.
        assert not any("event: event" in line for line in lines)
