"""Detections of live views: for viewers who request them and may read events, and for no others."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from domain.media.live_detections import LiveDetection, LiveDetections
from domain.people import Right, Role
from tests.api.live.conftest import LIVE, Camera
from tests.api.live.live_client import opened, refused, watching
from tests.api.site_data import REGISTRY
from tests.recorded import START_NS
from tests.waiting import wait_for

if TYPE_CHECKING:
    from tests.api.conftest import Site

WANTED = f"{LIVE}?detections=1"
CAR = LiveDetection(kind="vehicle", track=3, box=(0.1, 0.2, 0.3, 0.4), confidence=0.9, plate="鄂C1")


def put(camera: Camera, wall_ns: int = START_NS) -> None:
    """Let the analysis find a vehicle, as soon as a person watches."""
    wait_for("a viewer", lambda: camera.station.detections.is_watched)
    camera.station.detections.put(LiveDetections(wall_ns=wall_ns, items=(CAR,)))


def viewer_of(site: Site, *grants: Right) -> tuple[str, dict[str, str]]:
    """Add a person with these rights to pictures; return the name, and the headers of requests."""
    name = f"viewer-{secrets.token_hex(4)}"
    token = site.context.people.add(name, Role.INTEGRATOR, grants).token
    return name, {"Authorization": f"Bearer {token}", "X-Reason": "a test"}


def test_a_viewer_receives_what_a_picture_shows(site: Site, camera: Camera) -> None:
    with watching(site, WANTED) as viewer:
        camera.put(5)
        viewer.read_until(lambda one: one.fragments)
        put(camera, START_NS + 80_000_000)
        viewer.read_until(lambda one: one.of_type("detections"))
    (message,) = viewer.of_type("detections")
    assert [one["is_on"] for one in viewer.of_type("detections_state")] == [True]
    assert message["items"] == [
        {
            "kind": "vehicle",
            "track": 3,
            "box": [0.1, 0.2, 0.3, 0.4],
            "confidence": 0.9,
            "plate": "鄂C1",
        }
    ]
    shown = {round(1000 * one.media_s) for one in viewer.fragments}
    assert round(1000 * message["media_s"]) in shown, "it has the time of its picture"


def test_nothing_is_analysed_for_viewers_who_do_not_request_it(site: Site, camera: Camera) -> None:
    with watching(site, LIVE) as viewer, watching(site, WANTED) as other:
        camera.put(5)
        put(camera)
        other.read_until(lambda one: one.of_type("detections"))
        viewer.read_until(lambda one: len(one.fragments) == 5)
        assert not viewer.of_type("detections")
        assert not viewer.of_type("detections_state")
    wait_for("the end", lambda: not camera.station.detections.is_watched)


def test_only_people_with_the_right_to_events_receive_them(site: Site, camera: Camera) -> None:
    _, headers = viewer_of(site, Right.LIVE_VIEW)
    status, problem = refused(site, WANTED, headers)
    assert (status, "events_read" in problem["detail"]) == (403, True)
    with opened(site, LIVE, headers) as viewer:
        camera.put(2)
        viewer.read_until(lambda one: one.fragments)


def test_they_end_with_the_right_and_the_video_continues(site: Site, camera: Camera) -> None:
    name, headers = viewer_of(site, Right.LIVE_VIEW, Right.EVENTS_READ)
    with opened(site, WANTED, headers) as viewer:
        camera.put(5)
        put(camera)
        viewer.read_until(lambda one: one.of_type("detections"))
        site.context.people.change(name, grants=[Right.LIVE_VIEW])
        viewer.read_until(lambda one: len(one.of_type("detections_state")) == 2)
        ended = viewer.of_type("detections_state")[-1]
        assert (ended["is_on"], ended["problem"]["status"]) == (False, 403)
        wait_for("the end", lambda: not camera.station.detections.is_watched)
        camera.put(5)
        viewer.read_until(lambda one: len(one.fragments) == 10)


def test_a_camera_that_is_no_checkpoint_has_none(site: Site) -> None:
    assert not next(one for one in REGISTRY.cameras if one.id == "school").checkpoint
    answer = site.get("/v1/cameras/school/live?detections=1", Role.OPERATOR)
    assert (answer.status_code, "no checkpoint" in answer.json()["detail"]) == (400, True)


@pytest.mark.parametrize("requested", ["", "?detections=1"])
def test_a_ticket_opens_detections_only_if_it_was_issued_for_them(
    site: Site, camera: Camera, requested: str
) -> None:
    address = site.get(f"{LIVE}/ticket{requested}", Role.OPERATOR).json()["address"]
    with opened(site, address, {}) as viewer:
        camera.put(2)
        if requested:
            put(camera)
            viewer.read_until(lambda one: one.of_type("detections"))
        viewer.read_until(lambda one: one.fragments)
    plain = address.replace("&detections=1", "")
    other = plain if requested else f"{plain}&detections=1"
    assert other != address
    assert refused(site, other, {})[0] == 403
