"""What lists, histograms and feeds show to a person of one area, also after the scope changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from api.routes import ROUTES
from domain.camera_scope import CameraScope
from domain.registry import Registry
from tests.security.sent_requests import SINCE, UNTIL, name_of, send
from tests.security.two_areas import (
    BRAVO_PLATE,
    REGISTRY,
    SHARED_PLATE,
    Running,
    TwoAreas,
    event_of,
    two_areas,
)
from tests.sse import Message, messages

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite


@pytest.fixture
def moving(open_site: OpenSite) -> tuple[TwoAreas, Running]:
    return two_areas(open_site)


def test_pages_are_full_although_they_are_filtered(areas: TwoAreas) -> None:
    (search,) = [route for route in ROUTES if name_of(route) == "GET /v1/events"]
    found: list[str] = []
    query = {"limit": "1", "from": SINCE, "to": UNTIL}
    while True:
        page = send(areas, search, search.path, query).json()
        found += [item["id"] for item in page["items"]]
        assert len(page["items"]) == 1 or page["archived"], "a page without items is no page"
        if page["next"] is None:
            break
        query["next"] = page["next"]
    assert found == sorted((event.id for event in areas.alpha_events), reverse=True)


def test_a_cursor_of_a_wider_scope_is_refused(areas: TwoAreas) -> None:
    for path in ("/v1/events", "/v1/cameras"):
        (route,) = [one for one in ROUTES if name_of(one) == f"GET {path}"]
        wide = send(areas, route, path, {"limit": "1"}, token=areas.everyone).json()["next"]
        answer = send(areas, route, path, {"limit": "1", "next": wide})
        assert (answer.status_code, answer.json()["field"]) == (400, "next")


def test_a_journey_has_the_sightings_of_the_scope_only(areas: TwoAreas) -> None:
    (route,) = [one for one in ROUTES if one.path == "/v1/journeys"]
    query = {"plate": SHARED_PLATE, "from": SINCE, "to": UNTIL, "around": "10"}
    journey = send(areas, route, route.path, query).json()
    assert [one["id"] for one in journey["sightings"]] == [one.id for one in areas.alpha_events]
    assert not any(leg["impossible"] for leg in journey["legs"])
    whole = send(areas, route, route.path, query, token=areas.everyone).json()
    assert len(whole["sightings"]) == len(areas.alpha_events) + 2


def test_a_histogram_counts_the_scope_only(areas: TwoAreas) -> None:
    (route,) = [one for one in ROUTES if one.path == "/v1/events/histogram"]
    query = {"from": SINCE, "to": UNTIL}
    assert send(areas, route, route.path, query).json()["total"] == len(areas.alpha_events)
    whole = send(areas, route, route.path, query, token=areas.everyone).json()
    assert whole["total"] == len(areas.alpha_events) + len(areas.bravo_events)


@contextmanager
def _following(areas: TwoAreas) -> Iterator[Iterator[Message]]:
    """Follow the events of area alpha that arrive from now on."""
    last = areas.site.context.feed.after(0, 1).last
    headers = {
        "Authorization": f"Bearer {areas.alpha}",
        "X-Reason": "a test",
        "Last-Event-ID": str(last),
    }
    url = f"{areas.site.url}/v1/events/feed"
    with areas.site.http.stream("GET", url, headers=headers) as answer:
        found = messages(answer)
        next(found)
        yield found


def test_a_feed_sends_what_is_in_the_scope(moving: tuple[TwoAreas, Running]) -> None:
    areas, _ = moving
    with _following(areas) as found:
        new = [event_of("bravo-gate", 300, BRAVO_PLATE), event_of("alpha-gate", 301, SHARED_PLATE)]
        areas.site.context.feed.add_all(new)
        first = next(message for message in found if message.name == "event")
    assert first.data["event"]["id"] == new[1].id


def test_an_open_feed_follows_a_change_of_the_scope(moving: tuple[TwoAreas, Running]) -> None:
    areas, _ = moving
    with _following(areas) as found:
        areas.site.context.people.change("alpha-person", scope=CameraScope(areas=("bravo",)))
        for at_s in range(1000):
            areas.site.context.feed.add_all([event_of("bravo-gate", 300 + at_s, BRAVO_PLATE)])
            message = next(found)
            if message.name == "event":
                break
    assert message.data["event"]["camera"] == "bravo-gate"


def _cameras(areas: TwoAreas) -> list[str]:
    (route,) = [one for one in ROUTES if name_of(one) == "GET /v1/cameras"]
    return [item["id"] for item in send(areas, route, route.path, {"former": "1"}).json()["items"]]


def test_the_scope_follows_a_camera_that_moves(moving: tuple[TwoAreas, Running]) -> None:
    areas, running = moving
    assert _cameras(areas) == ["alpha-former", "alpha-gate", "alpha-school"]
    moved = {"alpha-gate": "bravo", "bravo-bridge": "alpha/east"}
    cameras = tuple(
        camera.model_copy(update={"area": moved.get(camera.id, camera.area)})
        for camera in REGISTRY.cameras
    )
    running.registry = REGISTRY.model_copy(update={"cameras": cameras})
    assert _cameras(areas) == ["alpha-former", "alpha-school", "bravo-bridge"]
    for event, status in (
        (areas.alpha_events[0], 404),
        (areas.bravo_events[3], 200),
        (areas.bravo_events[0], 404),
    ):
        (route,) = [one for one in ROUTES if name_of(one) == "GET /v1/events/{id}"]
        assert send(areas, route, f"/v1/events/{event.id}", {}).status_code == status


def test_a_scope_names_a_renamed_area_by_its_former_path(
    moving: tuple[TwoAreas, Running],
) -> None:
    areas, running = moving
    written = REGISTRY.model_dump(by_alias=True, mode="json")
    renamed = json.loads(
        json.dumps(written).replace('"alpha', '"omega').replace("omega-", "alpha-")
    )
    running.registry = Registry.model_validate(renamed)
    assert _cameras(areas) == ["alpha-former"], "the new path is another area"
    renamed["areas"]["omega"]["formerly"] = ["alpha"]
    running.registry = Registry.model_validate(renamed)
    assert _cameras(areas) == ["alpha-former", "alpha-gate", "alpha-school"]


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (CameraScope(areas=("alpha/east",)), ["alpha-gate"]),
        (CameraScope(classes=("B",)), ["alpha-school"]),
        (CameraScope(areas=("alpha",), classes=("B",)), ["alpha-school"]),
        (CameraScope(cameras=("bravo-bridge",)), ["bravo-bridge"]),
        (
            CameraScope(areas=("alpha",), classes=("B",), cameras=("bravo-bridge",)),
            ["alpha-school", "bravo-bridge"],
        ),
        (CameraScope(areas=("never",)), []),
    ],
)
def test_what_a_scope_includes(
    moving: tuple[TwoAreas, Running], scope: CameraScope, expected: list[str]
) -> None:
    areas, _ = moving
    areas.site.context.people.change("alpha-person", scope=scope)
    assert _cameras(areas) == expected
