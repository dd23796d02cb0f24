"""Attacks with cursors: forged, of another search, of another person, and used to see more."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import pytest

from api.cameras.cameras import CameraFilter
from api.events.impossible_legs import PairFilter
from api.requests.cursors import write_cursor
from domain.camera_scope import ALL_CAMERAS, CameraScope
from domain.events.query import EventQuery
from domain.people import Role
from storage.audit.reader import AuditQuery
from tests.security.two_areas import REGISTRY, TwoAreas, two_areas

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite, Site
    from tests.api.site_data import MakeEvent

JUNK = [
    "x", "0", "-1", "9" * 100, "9" * 19 + ".x", "." * 50, "a.b.c", "\x00", "%00", "../..", "1e9",
    "01JD7Z3V5G8M2K4Q6R9T1W3Y5A", "7" + "Z" * 25, "0" * 26, "\x7f", "f" * 140,
    "253402300800000000000.x",
]  # fmt: skip
PLATE = "鄂F88888"
LISTS: dict[str, tuple[str, object, Role]] = {
    "events": ("/v1/events", EventQuery(), Role.INVESTIGATOR),
    "holds": ("/v1/holds", "holds", Role.INVESTIGATOR),
    "alarms": ("/v1/alarms", "alarms", Role.INVESTIGATOR),
    "areas": ("/v1/areas", "areas", Role.INVESTIGATOR),
    "audit": (
        "/v1/audit",
        AuditQuery(None, None, None, None, None, None, None, None),
        Role.AUDITOR,
    ),
    "fuzzy events": (
        f"/v1/events?plate={PLATE}&fuzzy=1",
        EventQuery(plate=PLATE, fuzzy=True),
        Role.INVESTIGATOR,
    ),
    "journeys": (
        f"/v1/journeys?plate={PLATE}",
        ("journey", PLATE, None, None, False),
        Role.INVESTIGATOR,
    ),
    "impossible legs": (
        "/v1/journeys/impossible",
        ("impossible", None, None, PairFilter(None, None, None)),
        Role.INVESTIGATOR,
    ),
    "cameras": (
        "/v1/cameras",
        ("cameras", CameraFilter(None, None, None, None), None, False),
        Role.INVESTIGATOR,
    ),
    "watches": ("/v1/watches", ("watches", False), Role.INVESTIGATOR),
    "exports": ("/v1/exports", "exports", Role.INVESTIGATOR),
    "saved views": ("/v1/saved-views", "saved views", Role.INVESTIGATOR),
    "cases": ("/v1/cases", ("cases", False), Role.INVESTIGATOR),
    "emergencies": ("/v1/emergencies", ("emergencies", False), Role.INVESTIGATOR),
    "people": ("/v1/people", "people", Role.ADMIN),
    "sessions": ("/v1/sessions", ("sessions", None), Role.ADMIN),
}


def _with_cursor(path: str, cursor: str) -> str:
    return f"{path}{'&' if '?' in path else '?'}next={quote(cursor)}"


@pytest.mark.parametrize("listed", LISTS)
def test_a_forged_cursor_with_a_right_mark(site: Site, listed: str) -> None:
    """The mark is no secret: anyone who reads the source can compute it."""
    path, search, role = LISTS[listed]
    assert site.get(path, role).status_code == 200
    for junk in JUNK:
        cursor = write_cursor(search, ALL_CAMERAS, junk)[:200]
        answer = site.get(_with_cursor(path, cursor), role)
        assert answer.status_code in (200, 400), (junk, answer.text)


@pytest.mark.parametrize("text", ["", "A", "AAAA", "=", "%00", "ä", "A" * 200, "A" * 201, "\n"])
def test_a_cursor_that_is_none(site: Site, text: str) -> None:
    for path, _, role in LISTS.values():
        assert site.get(_with_cursor(path, text), role).status_code == 400


def test_a_cursor_of_another_search(site: Site, make_event: MakeEvent) -> None:
    site.context.index.put_all([make_event(at_s) for at_s in range(4)])
    first = site.get("/v1/events?limit=1&camera=east-gate").json()
    cursor = first["next"]
    assert site.get(f"/v1/events?limit=1&camera=east-gate&next={cursor}").status_code == 200
    for query in ("camera=west-gate", "order=oldest&camera=east-gate", ""):
        assert site.get(f"/v1/events?limit=1&next={cursor}&{query}").status_code == 400


def _listed(seeded: TwoAreas, token: str, path: str, **query: Any) -> tuple[int, str]:
    headers = {"Authorization": f"Bearer {token}", "X-Reason": "a test"}
    answer = seeded.site.http.get(f"{seeded.site.url}{path}?{urlencode(query)}", headers=headers)
    return answer.status_code, answer.text


def test_a_scope_that_a_cursor_would_widen(open_site: OpenSite) -> None:
    """A person of one area takes the cursor of a person without limits, or makes one."""
    seeded, _ = two_areas(open_site)
    alpha = CameraScope(areas=("alpha",))
    visible = seeded.site.context.scopes.visible(alpha, REGISTRY, {})
    everyone_status, everything = _listed(seeded, seeded.everyone, "/v1/events", limit=1)
    assert everyone_status == 200
    cursor = seeded.site.http.get(
        f"{seeded.site.url}/v1/events?limit=1",
        headers={"Authorization": f"Bearer {seeded.everyone}", "X-Reason": "a test"},
    ).json()["next"]
    assert _listed(seeded, seeded.everyone, "/v1/events", limit=1, next=cursor)[0] == 200
    assert _listed(seeded, seeded.alpha, "/v1/events", limit=1, next=cursor)[0] == 400
    after = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))[9:].decode()
    forged = write_cursor(EventQuery(), visible, after)
    status, found = _listed(seeded, seeded.alpha, "/v1/events", limit=500, next=forged)
    assert status in (200, 400)
    assert not [secret for secret in seeded.secrets if secret in found]
    assert everything
