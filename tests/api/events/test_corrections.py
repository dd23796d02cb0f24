"""Corrections of plates over HTTP."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from domain.people import Role

if TYPE_CHECKING:
    import httpx

    from tests.api.conftest import Site
    from tests.api.site_data import MakeEvent


def correct(
    site: Site,
    event_id: str,
    plate: str | None,
    version: int = 0,
    role: Role = Role.OPERATOR,
    reason: str = "seen in the clip",
) -> httpx.Response:
    body = {"plate": plate, "reason": reason, "version": version}
    return site.get(f"/v1/events/{event_id}", role, method="PATCH", body=body)


def ids(site: Site, plate: str) -> list[str]:
    return [item["id"] for item in site.get(f"/v1/events?plate={plate}").json()["items"]]


def test_a_correction_is_returned_searchable_and_audited(site: Site, make_event: MakeEvent) -> None:
    event = make_event(at_s=1_001)
    site.context.index.put(event)
    answer = correct(site, event.id, "鄂f·8888b")
    assert answer.status_code == 200, answer.text
    corrected = answer.json()["corrected"]
    assert corrected["by"].startswith("operator-")
    assert corrected["at"].startswith("20")
    assert (corrected["text"], corrected["original"], corrected["version"]) == (
        "鄂F8888B",
        "鄂F88888",
        1,
    )
    assert answer.json()["plate"]["text"] == "鄂F88888", "what was read stays"
    assert site.get(f"/v1/events/{event.id}").json() == answer.json()
    assert ids(site, "鄂F8888B") == ids(site, "鄂F88888") == ids(site, "鄂F8888?") == [event.id]
    (line,) = [
        entry
        for entry in map(json.loads, site.audit_lines())
        if (entry["route"], entry["phase"]) == ("event.correct", "outcome")
    ]
    assert (line["right"], line["reason"], line["status"]) == (
        "events_correct",
        "seen in the clip",
        200,
    )
    assert (line["terms"]["plate"], line["terms"]["stood"], line["terms"]["id"]) == (
        "鄂F8888B",
        "鄂F88888",
        event.id,
    )


def test_a_correction_is_replaced_and_withdrawn(site: Site, make_event: MakeEvent) -> None:
    event = make_event(at_s=1_002)
    site.context.index.put(event)
    assert correct(site, event.id, "鄂F8888B").status_code == 200
    assert correct(site, event.id, "鄂F8888D", 1).json()["corrected"]["version"] == 2
    stale = correct(site, event.id, "鄂F8888A", 1, role=Role.INVESTIGATOR)
    assert (stale.status_code, stale.json()["type"]) == (
        409,
        "urn:sightline:problem:correction_conflict",
    )
    assert "鄂F8888D" in stale.json()["detail"]
    taken_back = correct(site, event.id, None, 2).json()
    assert (taken_back["corrected"]["text"], taken_back["corrected"]["version"]) == ("", 3)
    assert (ids(site, "鄂F8888D"), ids(site, "鄂F88888")) == ([], [event.id])


@pytest.mark.parametrize(
    ("plate", "says"),
    [
        ("鄂F8888", "has 6 characters; a plate has 7"),
        ("鄂88888A", "'8' cannot stand at place 2"),
        ("鄂F8888?", "has wildcards"),
        ("鄂F8888!", "is on no plate"),
        ("", "is empty"),
        (None, "this event has none"),
    ],
)
def test_an_invalid_plate_is_refused_with_the_reason(
    site: Site, make_event: MakeEvent, plate: str | None, says: str
) -> None:
    event = make_event(at_s=1_003)
    site.context.index.put(event)
    answer = correct(site, event.id, plate)
    assert (answer.status_code, answer.json()["field"]) == (400, "plate")
    assert says in answer.json()["detail"]
    assert site.get(f"/v1/events/{event.id}").json()["corrected"] is None


def test_a_face_has_no_plate_to_correct(site: Site, make_event: MakeEvent) -> None:
    event = make_event(1_004, "west-gate", None)
    site.context.index.put(event)
    assert "is of a face" in correct(site, event.id, "鄂F88888").json()["detail"]


def test_a_correction_needs_a_right_and_an_event(site: Site, make_event: MakeEvent) -> None:
    event = make_event(at_s=1_005)
    assert correct(site, event.id, "鄂F88888").status_code == 404
    site.context.index.put(event)
    for role in (Role.AUDITOR, Role.INTEGRATOR):
        assert correct(site, event.id, "鄂F88888", role=role).status_code == 403
    assert correct(site, event.id, "鄂F88888", reason=" ").status_code == 400
