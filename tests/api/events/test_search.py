"""Searches, pages, single events and journeys, on a real index."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from api.events.models import EventView
from domain.people import Role

if TYPE_CHECKING:
    from domain.events.event import Event
    from tests.api.conftest import Site
    from tests.api.site_data import MakeEvent


def ids(site: Site, query: str) -> list[str]:
    answer = site.get(f"/v1/events?{query}")
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


def filled(site: Site, *events: Event) -> tuple[Event, ...]:
    site.context.index.put_all(events)
    return events


def test_an_event_has_the_documented_fields(site: Site, make_event: MakeEvent) -> None:
    (event,) = filled(site, make_event())
    answer = site.get(f"/v1/events/{event.id}").json()
    assert answer == {
        "id": event.id,
        "kind": "vehicle",
        "camera": "east-gate",
        "class": "A",
        "area": "danjiangkou/junzhou",
        "location": {"lon": 111.513, "lat": 32.54, "heading": None},
        "started_at": "2025-11-24T16:00:00.000Z",
        "best_at": "2025-11-24T16:00:00.500Z",
        "ended_at": "2025-11-24T16:00:01.000Z",
        "plate": {
            "text": "鄂F88888",
            "color": "blue",
            "confidence": 0.98,
            "alternatives": [{"text": "鄂F8888B", "confidence": 0.01}],
        },
        "corrected": None,
        "confidence": 0.9,
        "box": [0.4, 0.6, 0.5, 0.7],
        "direction": None,
        "lane": None,
        "crossed": [],
        "late": False,
        "wall_source": "receiver",
        "clip_ready": False,
        "clip_missing": None,
        "schema": 1,
        "snapshot": f"/v1/events/{event.id}/snapshot",
        "crop": f"/v1/events/{event.id}/crop",
        "clip": f"/v1/events/{event.id}/clip",
    }
    assert EventView.model_validate(answer).id == event.id
    assert site.get("/v1/events").json()["items"] == [answer]


def test_filters(site: Site, make_event: MakeEvent) -> None:
    blue, other, face, west = filled(
        site,
        make_event(0),
        make_event(10, plate="鄂F8888A"),
        make_event(20, "west-gate", None),
        make_event(30, "west-gate", "京A12345", confidence=0.5, direction="away", lane=2),
    )
    cases = {
        "": [west, face, other, blue],
        "order=oldest": [blue, other, face, west],
        "kind=face": [face],
        "kind=vehicle": [west, other, blue],
        "camera=west-gate": [west, face],
        "area=danjiangkou": [west, face, other, blue],
        "area=danj": [],
        "class=B": [],
        "plate=鄂F88888": [blue],
        "plate=鄂f·8888?": [other, blue],
        "plate=*F8888*": [other, blue],
        "plate=京A*": [west],
        "color=blue&kind=vehicle": [west, other, blue],
        "min_confidence=0.6": [face, other, blue],
        "from=2025-11-24T16:00:10Z": [west, face, other],
        "to=2025-11-25T00:00:10%2B08:00": [blue],
        "from=2025-11-24T16:00:10Z&to=2025-11-24T16:00:20Z": [other],
        "limit=2": [west, face],
        "lane=2": [west],
        "direction=away": [west],
        "direction=unknown&lane=0": [face, other, blue],
    }
    for query, expected in cases.items():
        assert ids(site, query) == [event.id for event in expected], query


def test_pages_stay_stable_while_events_arrive(site: Site, make_event: MakeEvent) -> None:
    events = filled(site, *(make_event(i) for i in range(10)))
    seen, cursor = list[str](), ""
    for arrival in itertools.count(100):
        page = site.get(f"/v1/events?kind=vehicle&limit=3{cursor}").json()
        seen += [item["id"] for item in page["items"]]
        filled(site, make_event(arrival))
        if page["next"] is None:
            break
        cursor = f"&next={page['next']}"
    assert seen == [event.id for event in reversed(events)]


def test_a_cursor_of_other_filters_is_refused(site: Site, make_event: MakeEvent) -> None:
    filled(site, *(make_event(i) for i in range(3)))
    cursor = site.get("/v1/events?kind=vehicle&limit=1").json()["next"]
    answer = site.get(f"/v1/events?kind=face&limit=1&next={cursor}")
    assert (answer.status_code, answer.json()["field"]) == (400, "next")
    assert "other filters" in answer.json()["detail"]
    assert site.get(f"/v1/events?kind=vehicle&limit=2&next={cursor}").status_code == 200, (
        "the size of a page may change"
    )


def test_a_journey_over_two_cameras(site: Site, make_event: MakeEvent) -> None:
    first, second, third = filled(
        site,
        make_event(0),
        make_event(600, "west-gate"),
        make_event(605),
        make_event(300, "west-gate", "京A12345"),
    )[:3]
    journey = site.get(
        "/v1/journeys?plate=鄂F88888&from=2025-11-24T15:00:00Z&to=2025-11-24T18:00:00Z"
    ).json()
    assert journey["plate"] == "鄂F88888"
    assert [sighting["id"] for sighting in journey["sightings"]] == [first.id, second.id, third.id]
    there, back = journey["legs"]
    assert (there["from_camera"], there["to_camera"], there["seconds"], there["impossible"]) == (
        "east-gate",
        "west-gate",
        600,
        False,
    )
    assert 9_000 < there["distance_m"] < 10_000
    assert 54 < there["speed_kmh"] < 60
    assert (back["seconds"], back["impossible"]) == (5, True)
    assert journey["truncated"] is False


def test_a_journey_without_sightings_is_empty(site: Site) -> None:
    journey = site.get("/v1/journeys?plate=京A12345").json()
    assert (journey["sightings"], journey["legs"]) == ([], [])
    assert journey["from"] < journey["to"]


def test_a_session_has_the_person_and_its_rights(site: Site) -> None:
    answer = site.get("/v1/session", Role.OPERATOR).json()
    assert answer["role"] == "operator"
    assert answer["name"].startswith("operator-")
    assert "events_read" in answer["rights"]
    assert answer["reason_required"] is True


def test_a_misread_plate_is_found_with_its_reason(site: Site, make_event: MakeEvent) -> None:
    filled(
        site,
        *(
            make_event(at_s, plate=plate)
            for at_s, plate in enumerate(("鄂F88888", "鄂FB8888", "鄂C12345"))
        ),
    )
    answer = site.get("/v1/events?plate=鄂F88888&fuzzy=1").json()
    assert [item["plate"]["text"] for item in answer["items"]] == ["鄂F88888", "鄂FB8888"]
    assert [match["tie"] for match in answer["matches"]] == ["exact", "misreading"]
    assert "8 at place 3" in answer["matches"][1]["reason"]
    first = site.get("/v1/events?plate=鄂F88888&fuzzy=1&limit=1").json()
    second = site.get(f"/v1/events?plate=鄂F88888&fuzzy=1&limit=1&next={first['next']}").json()
    assert second["items"] == answer["items"][1:]
    assert site.get("/v1/events?plate=鄂F8*&fuzzy=1").status_code == 400


def test_a_search_by_shape_finds_its_cameras(site: Site, make_event: MakeEvent) -> None:
    there = make_event()
    site.context.index.put(there)
    here = f"{there.location.lon},{there.location.lat},50"
    assert [item["id"] for item in site.get(f"/v1/events?near={here}").json()["items"]] == [
        there.id
    ]
    assert site.get("/v1/events?near=0,0,50").json()["items"] == []
    assert site.get("/v1/events?within=0,0;1,0;1,1").json()["items"] == []
    assert site.get("/v1/events?near=0,0").status_code == 400
