"""Who may watch: right, scope, reason, masks, tickets, limits, and one audit entry for a view."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from websockets.exceptions import InvalidStatus

from api.access.api_context import SiteRegistry
from domain.camera_scope import CameraScope
from domain.people import Role
from domain.settings import Settings
from storage.site.people import People
from tests.api.browser import signed_in
from tests.api.live.conftest import CAMERA, LIVE, Camera
from tests.api.live.live_client import Viewer, opened, refused, watching
from tests.api.site_data import REGISTRY
from tests.live_station import Station, tapped

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite, Site

TICKET = f"{LIVE}/ticket"
PROBLEM = "urn:sightline:problem:"


def headers_of(site: Site, role: Role = Role.OPERATOR, reason: str = "a test") -> dict[str, str]:
    token = {"Authorization": f"Bearer {site.tokens[role]}"}
    return token | ({"X-Reason": reason} if reason else {})


def masked(registry: SiteRegistry) -> SiteRegistry:
    """Give the camera a privacy mask."""
    square = (((0.0, 0.0), (1.0, 0.0), (1.0, 0.2)),)
    cameras = tuple(
        camera.model_copy(update={"masks": square}) if camera.id == CAMERA else camera
        for camera in registry.registry.cameras
    )
    return SiteRegistry(registry.registry.model_copy(update={"cameras": cameras}))


def without_camera(registry: SiteRegistry) -> SiteRegistry:
    cameras = tuple(camera for camera in registry.registry.cameras if camera.id != CAMERA)
    return SiteRegistry(registry.registry.model_copy(update={"cameras": cameras}))


@pytest.mark.parametrize("upgrade", [True, False])
def test_a_refusal_is_a_problem_document(site: Site, upgrade: bool) -> None:
    """A browser cannot read why a handshake was refused; the same GET request says it."""
    for path, headers, expected in (
        (LIVE, {}, (401, "unauthenticated")),
        (LIVE, headers_of(site, Role.INTEGRATOR), (403, "forbidden")),
        (LIVE, headers_of(site, reason=""), (403, "reason_missing")),
        ("/v1/cameras/nowhere/live", headers_of(site), (404, "not_found")),
        (f"{LIVE}?stream=both", headers_of(site), (400, "query_invalid")),
        (f"{LIVE}?strem=sub", headers_of(site), (400, "query_invalid")),
        ("/v1/cameras/school/live?stream=sub", headers_of(site), (400, "query_invalid")),
    ):
        if upgrade:
            status, problem = refused(site, path, headers)
        else:
            answer = site.http.get(site.url + path, headers=headers)
            status, problem = answer.status_code, answer.json()
        assert (status, problem["type"].removeprefix(PROBLEM)) == expected, path


def test_a_request_without_a_handshake_says_that_one_is_needed(site: Site) -> None:
    answer = site.get(LIVE, Role.OPERATOR)
    assert (answer.status_code, answer.headers["Upgrade"]) == (426, "websocket")
    assert answer.json()["type"] == f"{PROBLEM}upgrade_required"


@pytest.mark.parametrize("path", ["/v1/events", "/v1/cameras", "/", "/v1/cameras/east-gate"])
def test_another_route_refuses_a_handshake(site: Site, path: str) -> None:
    status, problem = refused(site, path, headers_of(site))
    assert (status, problem["type"]) == (400, f"{PROBLEM}bad_input")
    assert "is no WebSocket" in problem["detail"]


def test_an_address_that_does_not_exist_is_not_found(site: Site) -> None:
    assert refused(site, "/v1/nothing", headers_of(site))[0] == 404


def test_a_view_is_recorded_with_its_start_and_its_end(site: Site, camera: Camera) -> None:
    with watching(site, f"{LIVE}?stream=main", X_Case="2026-118") as viewer:
        camera.put(5)
        viewer.read_until(lambda one: one.fragments)
        (line,) = site.audit_lines()
        start = json.loads(line)
        assert (start["route"], start["right"], start["status"]) == (
            "camera.live",
            "live_view",
            101,
        )
        assert (start["reason"], start["case"], start["phase"]) == ("a test", "2026-118", "access")
        assert start["terms"] == {"stream": "main", "id": CAMERA}
    site.eventually(lambda: len(site.audit_lines()) == 2)
    end = json.loads(site.audit_lines()[1])
    assert end["phase"] == "viewed"
    assert end["request"] == start["request"]
    assert start["at"] <= end["terms"].pop("until") <= end["at"]
    assert end["terms"] == start["terms"]


def test_a_refused_handshake_is_recorded(site: Site) -> None:
    refused(site, LIVE, headers_of(site, Role.INTEGRATOR))
    entry = json.loads(site.audit_lines()[-1])
    assert (entry["route"], entry["status"]) == ("camera.live", 403)


def test_a_ticket_opens_the_view_of_its_camera_alone(site: Site, camera: Camera) -> None:
    ticket = site.get(TICKET, Role.OPERATOR, reason="theft").json()
    with opened(site, ticket["address"], {}) as viewer:
        camera.put(5)
        viewer.read_until(lambda one: one.fragments)
    entries = [json.loads(line) for line in site.audit_lines()]
    views = [one for one in entries if one["route"] == "camera.live"]
    (start,) = [one for one in views if one["phase"] == "access"]
    assert start["reason"] == "theft"
    query = ticket["address"].partition("?")[2]
    span = "from=2025-11-24T16:00:00Z&to=2025-11-24T16:00:10Z"
    for path in (
        f"/v1/cameras/school/live?{query}",
        f"/v1/events/feed?{query}",
        f"/v1/cameras/{CAMERA}/playlist.m3u8?{span}&{query}",
    ):
        assert site.http.get(site.url + path).status_code == 403, path


def test_a_ticket_of_a_playlist_opens_no_live_video(site: Site) -> None:
    site.hold(CAMERA)
    span = "from=2025-11-24T16:00:00Z&to=2025-11-24T16:00:10Z"
    hls = site.get(f"/v1/cameras/{CAMERA}/playlist?{span}").json()["hls"]
    ticket = hls.partition("ticket=")[2]
    status, problem = refused(site, f"{LIVE}?ticket={ticket}", {})
    assert (status, problem["type"]) == (403, f"{PROBLEM}forbidden")


def test_a_session_opens_a_view_from_a_page_of_the_site_only(site: Site, camera: Camera) -> None:
    """A page of another site could open a WebSocket with the cookie of its visitor."""
    browser = signed_in(site, Role.OPERATOR)
    handshake = {"X_CSRF_Token": None, "Sec_Fetch_Site": None}
    assert browser.get(LIVE).json()["type"] == f"{PROBLEM}reason_missing"
    browser.change("PATCH", "/v1/session", {"reason": "theft 2026-118"})
    for origin in ("https://evil.example", "null", None):
        headers = browser.headers(Origin=origin, **handshake)
        status, problem = refused(site, LIVE, headers)
        assert (status, problem["type"]) == (403, f"{PROBLEM}forbidden"), origin
    with opened(site, LIVE, browser.headers(**handshake)) as viewer:
        camera.put(5)
        viewer.read_until(lambda one: one.fragments)
        assert browser.change("DELETE", "/v1/session").is_success
        viewer.read_to_end()
    assert viewer.closed == (4403, "forbidden")


def test_masks_need_the_right_to_unmasked_video(open_site: OpenSite) -> None:
    site = open_site(registry=lambda: masked(SiteRegistry(REGISTRY)))
    for path in (LIVE, TICKET):
        assert site.get(path, Role.OPERATOR).status_code == 403
        assert "unmasked_view" in site.get(path, Role.OPERATOR).json()["detail"]
    assert site.get(LIVE, Role.INVESTIGATOR).status_code == 426
    assert site.get(TICKET, Role.INVESTIGATOR).status_code == 200


PERSON_CHANGES: tuple[tuple[str, Callable[[People, str], object], int], ...] = (
    ("right", lambda people, name: people.change(name, role=Role.AUDITOR), 4403),
    ("token", lambda people, name: people.revoke(name), 4403),
    ("person", lambda people, name: people.remove(name), 4403),
    (
        "scope",
        lambda people, name: people.change(name, scope=CameraScope(cameras=("school",))),
        4404,
    ),
)


def test_a_view_ends_with_the_access_of_its_person(site: Site, camera: Camera) -> None:
    names = {change: f"guard-{change}-{secrets.token_hex(4)}" for change, _, _ in PERSON_CHANGES}
    with ExitStack() as stack:
        viewers: dict[str, Viewer] = {}
        for change, name in names.items():
            token = site.context.people.add(name, Role.OPERATOR).token
            headers = {"Authorization": f"Bearer {token}", "X-Reason": "a test"}
            viewers[change] = stack.enter_context(opened(site, LIVE, headers))
        other = stack.enter_context(watching(site, LIVE))
        camera.put(5)
        for viewer in (*viewers.values(), other):
            viewer.read_until(lambda one: one.fragments)
        for change, apply, _ in PERSON_CHANGES:
            apply(site.context.people, names[change])
        for change, _, close_code in PERSON_CHANGES:
            viewer = viewers[change]
            viewer.read_to_end()
            assert viewer.closed is not None
            assert viewer.closed[0] == close_code, change
            assert viewer.of_type("problem")[-1]["is_last"], change
        camera.put(5)
        other.read_until(lambda one: len(one.fragments) == 10)


def test_a_view_ends_with_the_access_to_its_camera(open_site: OpenSite) -> None:
    original = SiteRegistry(REGISTRY)
    registry_now = [original]
    site = open_site(registry=lambda: registry_now[0])
    site.hold(CAMERA)
    station = Station(CAMERA)
    with tapped(site.layout.live_socket(0), station):
        camera = Camera(site, station)
        for changed, close_code in ((masked(original), 4403), (without_camera(original), 4404)):
            registry_now[0] = original
            with watching(site, LIVE) as viewer:
                camera.put(1)
                viewer.read_until(lambda one: one.heads or one.texts)
                registry_now[0] = changed
                viewer.read_to_end()
            assert viewer.closed is not None
            assert viewer.closed[0] == close_code
            assert viewer.of_type("problem")[0]["is_last"]
        site.eventually(lambda: not station.watchers.total())


def test_views_are_limited(open_site: OpenSite) -> None:
    site = open_site(settings=Settings(live_views_per_person=1, live_views_per_camera=2))
    for name in (CAMERA, "school"):
        site.hold(name)

    def can_be_opened() -> bool:
        try:
            with watching(site, LIVE):
                return True
        except InvalidStatus:
            return False

    with tapped(site.layout.live_socket(0), Station(CAMERA)):
        with watching(site, LIVE), watching(site, LIVE, Role.INVESTIGATOR):
            third = site.context.people.add("third-viewer", Role.OPERATOR).token
            for path, headers, limited in (
                ("/v1/cameras/school/live", headers_of(site), "operator"),
                (LIVE, headers_of(site) | {"Authorization": f"Bearer {third}"}, CAMERA),
            ):
                status, problem = refused(site, path, headers)
                assert (status, problem["type"]) == (429, f"{PROBLEM}rate_limited")
                assert problem["detail"].startswith(limited)
        site.eventually(can_be_opened)


def test_the_log_has_no_ticket(
    site: Site, camera: Camera, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    ticket = site.get(TICKET, Role.OPERATOR).json()["address"].partition("ticket=")[2]
    ticket = ticket.partition("&")[0]
    with opened(site, f"{LIVE}?ticket={ticket}", {}) as viewer:
        camera.put(5)
        viewer.read_until(lambda one: one.fragments)
    site.eventually(lambda: f"{LIVE} 101" in caplog.text)
    messages = [one for one in caplog.records if not one.name.startswith("websockets")]
    assert not [one for one in messages if ticket in one.getMessage()]
