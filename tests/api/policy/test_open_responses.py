"""An open feed or live view ends when the access policy no longer permits it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from api.access.requirements import Requirements
from api.requests.request_trace import Trace
from api.requests.tickets import Basis, ticket_for
from api.routes import ROUTES
from domain.clock import NS_PER_HOUR, ManualClock
from domain.errors import ApprovalRequired
from domain.people import Person, Role
from storage.site.approvals import ApprovalRecord, Approvals, Decision
from tests.api.live.conftest import CAMERA, LIVE, Camera
from tests.api.live.live_client import Viewer, opened
from tests.api.policy.policy_site import PolicySite
from tests.live_station import Station, tapped
from tests.people import PEOPLE_KEY

FEED = "/v1/events/feed"
LIVE_CASE = "{live: {calls: [camera.live, events.feed], needs: [case]}}"
LIVE_APPROVAL = "{live: {calls: [camera.live], needs: [approval]}}"
APPROVAL = "20251009-00000001"


@contextmanager
def watching(city: PolicySite, **headers: str) -> Iterator[Viewer]:
    """Watch the camera live as `zhao`; header names have underscores."""
    given = {"Authorization": f"Bearer {city.tokens['zhao']}", "X-Reason": "a test"}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    city.site.hold(CAMERA)
    station = Station(CAMERA)
    with tapped(city.site.layout.live_socket(0), station):
        with opened(city.site, LIVE, given) as viewer:
            Camera(city.site, station).put(5)
            viewer.read_until(lambda one: one.fragments)
            yield viewer
        city.site.eventually(lambda: not station.watchers.total())


def test_a_live_view_and_a_feed_end_when_their_case_is_closed(city: PolicySite) -> None:
    city.apply(LIVE_CASE)
    case = city.open_case("2026-118")
    headers = {"Authorization": f"Bearer {city.tokens['zhao']}", "X-Reason": "a test"}
    headers |= {"X-Case": "2026-118"}
    with (
        watching(city, X_Case="2026-118") as viewer,
        city.site.http.stream("GET", f"{city.site.url}{FEED}", headers=headers) as feed,
    ):
        assert feed.status_code == 200
        body = {"state": "closed", "reason": "solved"}
        assert city.send("li", "PATCH", f"/v1/cases/{case['id']}", body).is_success
        viewer.read_to_end()
        # The feed would go on for an hour; reading to its end is the proof.
        assert not any("event: event" in line for line in feed.iter_lines())
    assert viewer.closed == (4403, "case_required")
    assert "is closed" in viewer.of_type("problem")[0]["problem"]["detail"]


def test_a_live_view_ends_when_its_approval_is_revoked(city: PolicySite) -> None:
    city.apply(LIVE_APPROVAL)
    asked = city.request("zhao", city.get("zhao", LIVE))
    city.decide("li", asked["id"])
    with watching(city) as viewer:
        city.decide("wang", asked["id"], "refused")
        viewer.read_to_end()
    assert viewer.closed == (4403, "approval_required")


def test_a_live_view_ends_when_the_policy_requires_an_approval(city: PolicySite) -> None:
    with watching(city) as viewer:
        city.apply(LIVE_APPROVAL)
        viewer.read_to_end()
    assert viewer.closed == (4403, "approval_required")


def test_an_open_response_ends_when_its_approval_is_over(city: PolicySite) -> None:
    city.apply(LIVE_APPROVAL)
    clock = ManualClock()
    approvals = Approvals(city.site.context.objects, PEOPLE_KEY, clock)
    approvals.request(
        ApprovalRecord(
            id=APPROVAL,
            person="zhao",
            call="camera.live",
            terms={},
            reason="needed",
            case="",
            requested_at=clock.wall_ns(),
            ends_at=clock.wall_ns() + NS_PER_HOUR,
        )
    )
    approvals.decide(APPROVAL, "li", Decision.APPROVED, "", NS_PER_HOUR)
    requirements = Requirements(replace(city.site.context, approvals=approvals))
    trace = Trace("a live view")
    trace.declaration = next(one for one in ROUTES if one.audit == "camera.live")
    trace.basis = Basis(approval=APPROVAL)
    needs = requirements.of(trace.declaration, {})
    clock.advance(3599)
    requirements.check_open(trace, needs)
    clock.advance(1)
    with pytest.raises(ApprovalRequired):
        requirements.check_open(trace, needs)
    # A download by a ticket goes on for as long as the ticket opens the rest.
    trace.ticket = ticket_for(
        Person("zhao", Role.OPERATOR), "a test", "", CAMERA, (0, 1), clock.wall_ns(), trace.basis
    )
    requirements.check_open(trace, needs)


def test_a_live_view_ends_when_its_emergency_access_is_found_unjustified(city: PolicySite) -> None:
    city.apply(LIVE_APPROVAL)
    with watching(city, X_Emergency="1") as viewer:
        (access,) = city.get("li", "/v1/emergencies").json()["items"]
        verdict = {"verdict": "unjustified", "reason": "no danger"}
        path = f"/v1/emergencies/{access['id']}"
        assert city.send("li", "PATCH", path, verdict).is_success
        viewer.read_to_end()
    assert viewer.closed == (4403, "forbidden")


def test_a_live_view_of_an_emergency_ends_when_the_policy_has_none(city: PolicySite) -> None:
    city.apply(LIVE_APPROVAL)
    with watching(city, X_Emergency="1") as viewer:
        city.apply(LIVE_APPROVAL, emergency_access=False)
        viewer.read_to_end()
    assert viewer.closed == (4403, "forbidden")
