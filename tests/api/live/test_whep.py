"""Live video by WHEP: who may watch, what is on record, and what a WebRTC viewer receives."""

from __future__ import annotations

import asyncio
import gc
import json
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from api.access.api_context import SiteRegistry
from api.live.channels import LiveSubscription
from api.live.media_feeds import MediaFeed
from api.live.views import LiveAccess
from api.live.whep_sessions import WhepSession
from api.requests.request_trace import Trace
from domain.clock import NS_PER_S, SystemClock, parse_rfc3339
from domain.media.viewer_metrics import LIVE_VIEWERS
from domain.people import Role
from domain.settings import Settings
from storage.audit.viewings import OpenViewing
from tests.api.live.conftest import CAMERA, Camera
from tests.api.live.media_process import media_process
from tests.api.live.test_live_access import PROBLEM, headers_of, masked
from tests.api.site_data import REGISTRY
from tests.api.webrtc.aiortc_viewer import AiortcViewer
from tests.api.webrtc.test_sdp import CHROMIUM
from tests.live_station import Station, tapped
from tests.recorded import HEVC
from tests.waiting import PATIENCE_S, wait_for

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite, Site

WHEP = f"/v1/cameras/{CAMERA}/whep"
SDP = "application/sdp"
FRAGMENT = "application/trickle-ice-sdpfrag"


@pytest.fixture
def media(site: Site) -> Iterator[None]:
    with media_process(site.layout):
        yield


def post(
    site: Site, offer: str, role: Role = Role.OPERATOR, path: str = WHEP, **more: str
) -> httpx.Response:
    headers = headers_of(site, role) | {"Content-Type": SDP} | more
    return site.http.post(site.url + path, content=offer, headers=headers)


def request(site: Site, method: str, path: str, content: str = "", **headers: str) -> Any:
    own = headers_of(site, reason="") | ({"Content-Type": FRAGMENT} if content else {})
    return site.http.request(method, site.url + path, content=content, headers=own | headers)


Watching = Callable[[AiortcViewer, httpx.Response], Coroutine[None, None, None]]
Opening = Callable[["Site", str], httpx.Response]


def watch(site: Site, camera: Camera, work: Watching, opening: Opening = post) -> None:
    """Open the camera with a viewer of its own, and close it after `work`."""

    async def all_of_it() -> None:
        viewer = AiortcViewer()
        try:
            offer = await viewer.offer()
            answer, _ = await asyncio.gather(
                asyncio.to_thread(opening, site, offer), asyncio.to_thread(camera.put, 3)
            )
            assert answer.status_code == 201, answer.text
            await viewer.accept(answer.text)
            async with asyncio.timeout(PATIENCE_S):
                await viewer.until(1)
                await work(viewer, answer)
        finally:
            await viewer.close()

    asyncio.run(all_of_it())


def entries(site: Site) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in site.audit_lines()]
    return [one for one in found if one["route"].startswith("camera.whep")]


def test_a_viewer_sees_the_camera_and_its_viewing_is_recorded(
    site: Site, camera: Camera, media: None
) -> None:
    async def work(viewer: AiortcViewer, answer: httpx.Response) -> None:
        location = answer.headers["Location"]
        assert location.startswith(f"{WHEP}/")
        assert answer.headers["Content-Type"] == SDP
        assert answer.headers["ETag"].startswith('"')
        intent, outcome = entries(site)
        assert (intent["phase"], outcome["phase"]) == ("intent", "outcome")
        assert (outcome["route"], outcome["right"], outcome["status"]) == (
            "camera.whep",
            "live_view",
            201,
        )
        assert (outcome["reason"], outcome["terms"]) == ("a test", {"id": CAMERA})
        await asyncio.to_thread(camera.put, 30)
        pictures = await viewer.until(30)
        assert pictures == list(range(len(pictures)))
        assert LIVE_VIEWERS.labels(CAMERA)._value.get() == 1

    watch(site, camera, work)  # It closes the viewer, and the session ends with that.
    site.eventually(lambda: len(entries(site)) == 3)
    _, outcome, end = entries(site)
    assert (end["phase"], end["request"]) == ("viewed", outcome["request"])
    assert outcome["at"] <= end["terms"]["until"] <= end["at"]
    assert not LIVE_VIEWERS.labels(CAMERA)._value.get()


def test_a_session_that_has_ended_leaves_nothing_in_the_api_process(
    site: Site, camera: Camera, media: None
) -> None:
    kinds = (WhepSession, MediaFeed, LiveSubscription, LiveAccess, OpenViewing, Trace)

    def held() -> Counter[type]:
        gc.collect()
        return Counter(type(one) for one in gc.get_objects() if isinstance(one, kinds))

    before = held()  # Earlier tests of this process may have left some.

    async def work(viewer: AiortcViewer, answer: httpx.Response) -> None:
        assert held()[WhepSession] == before[WhepSession] + 1
        assert set(held()) == set(kinds)

    watch(site, camera, work)
    site.eventually(lambda: held() <= before)


def test_a_viewer_that_cannot_hear_the_camera_is_shown_it_and_can_read_the_reason(
    site: Site, camera: Camera, media: None
) -> None:
    async def work(viewer: AiortcViewer, answer: httpx.Response) -> None:
        path = f"{answer.headers['Location']}/state"
        state = (await asyncio.to_thread(request, site, "GET", path)).json()
        assert state["sound_problem"]["status"] == 501
        assert "offer does not have" in state["sound_problem"]["detail"]
        assert entries(site)[1]["terms"] == {"id": CAMERA, "sound": "1"}

    watch(site, camera, work, lambda site, offer: post(site, offer, path=f"{WHEP}?sound=1"))


def test_fragments_and_the_end_that_a_player_sends(site: Site, camera: Camera, media: None) -> None:
    async def work(viewer: AiortcViewer, answer: httpx.Response) -> None:
        path, tag = answer.headers["Location"], answer.headers["ETag"]

        async def patch(content: str, **headers: str) -> httpx.Response:
            found = await asyncio.to_thread(request, site, "PATCH", path, content, **headers)
            assert isinstance(found, httpx.Response)
            return found

        candidate = "a=candidate:1 1 udp 9 192.0.2.1 9 typ host\r\n"
        added = await patch(candidate, **{"If-Match": tag})
        assert (added.status_code, added.content) == (204, b"")
        restarted = await patch("a=ice-ufrag:abcd\r\na=ice-pwd:efgh\r\n", **{"If-Match": "*"})
        assert restarted.status_code == 200
        assert restarted.headers["Content-Type"] == FRAGMENT
        assert restarted.headers["ETag"] != tag
        stale = await patch(candidate, **{"If-Match": tag})
        assert (stale.status_code, stale.json()["type"]) == (412, f"{PROBLEM}precondition_failed")
        other = headers_of(site, Role.INVESTIGATOR)["Authorization"]
        foreign = await asyncio.to_thread(request, site, "DELETE", path, Authorization=other)
        assert foreign.status_code == 404
        ended = await asyncio.to_thread(request, site, "DELETE", path)
        assert ended.status_code == 200, ended.text
        again = await asyncio.to_thread(request, site, "DELETE", path)
        assert again.status_code == 404

    watch(site, camera, work)


def without_headers(site: Site, method: str, path: str, content: str = "") -> httpx.Response:
    """Send a request as a player that knows no more than an address."""
    media_type = SDP if method == "POST" else FRAGMENT
    headers = {"Content-Type": media_type} if content else {}
    return site.http.request(method, site.url + path, content=content, headers=headers)


def test_a_ticket_opens_a_camera_and_ends_its_session(
    site: Site, camera: Camera, media: None
) -> None:
    issued = site.get(f"/v1/cameras/{CAMERA}/live/ticket", Role.OPERATOR, reason="theft").json()
    query = issued["whep"].partition("?")[2]

    async def work(viewer: AiortcViewer, answer: httpx.Response) -> None:
        session = answer.headers["Location"]
        path, _, ticket = session.partition("?")
        for method, target, content in (
            ("POST", f"/v1/cameras/school/whep?{query}", CHROMIUM),
            ("POST", f"{WHEP}?{ticket}", CHROMIUM),
            ("DELETE", f"{WHEP}/another?{ticket}", ""),
            ("DELETE", f"{path}?{query}", ""),
        ):
            refused = await asyncio.to_thread(without_headers, site, method, target, content)
            assert refused.json()["type"] == f"{PROBLEM}forbidden", (method, target)
        candidate = "a=candidate:1 1 udp 9 192.0.2.1 9 typ host\r\n"
        added = await asyncio.to_thread(without_headers, site, "PATCH", session, candidate)
        assert added.status_code == 204
        ended = await asyncio.to_thread(without_headers, site, "DELETE", session)
        assert ended.status_code == 200

    watch(site, camera, work, lambda of, offer: without_headers(of, "POST", issued["whep"], offer))
    site.eventually(lambda: any(one["phase"] == "viewed" for one in entries(site)))
    opened = [one for one in entries(site) if (one["route"], one["status"]) == ("camera.whep", 201)]
    assert [(one["phase"], one["reason"]) for one in opened] == [
        ("outcome", "theft"),
        ("viewed", "theft"),
    ]
    assert "ticket" not in opened[0]["terms"]


def test_video_that_webrtc_cannot_show_is_refused(site: Site, camera: Camera, media: None) -> None:
    async def both() -> httpx.Response:
        answer, _ = await asyncio.gather(
            asyncio.to_thread(post, site, CHROMIUM),
            asyncio.to_thread(camera.put, 30, material=HEVC),
        )
        return answer

    answer = asyncio.run(both())
    assert (answer.status_code, answer.json()["type"]) == (501, f"{PROBLEM}codec_unsupported")
    assert "set the video codec" in answer.json()["detail"]
    wait_for("the end of the viewing", lambda: not LIVE_VIEWERS.labels(CAMERA)._value.get())


def test_refusals(site: Site, media: None) -> None:
    for path, role, headers, offer, expected in (
        (WHEP, Role.INTEGRATOR, {}, CHROMIUM, (403, "forbidden")),
        (WHEP, Role.OPERATOR, {"X-Reason": ""}, CHROMIUM, (403, "reason_missing")),
        ("/v1/cameras/nowhere/whep", Role.OPERATOR, {}, CHROMIUM, (404, "not_found")),
        (WHEP, Role.OPERATOR, {}, "hello", (400, "bad_input")),
        (WHEP, Role.OPERATOR, {}, "v=0\u00e9", (400, "bad_input")),
        (WHEP, Role.OPERATOR, {"Content-Type": "text/plain"}, CHROMIUM, (415, None)),
        (f"{WHEP}?stream=both", Role.OPERATOR, {}, CHROMIUM, (400, "query_invalid")),
        ("/v1/cameras/school/whep?stream=sub", Role.OPERATOR, {}, CHROMIUM, (400, "query_invalid")),
        (WHEP, Role.OPERATOR, {}, CHROMIUM, (503, "node_offline")),
    ):
        answer = post(site, offer, role, path, **headers)
        assert answer.status_code == expected[0], (path, answer.text)
        if expected[1]:
            assert answer.json()["type"] == f"{PROBLEM}{expected[1]}", path
    missing = request(site, "DELETE", f"{WHEP}/none-such")
    assert (missing.status_code, missing.json()["type"]) == (404, f"{PROBLEM}not_found")


def test_a_site_without_the_media_process_says_so(site: Site) -> None:
    answer = post(site, CHROMIUM)
    assert answer.status_code == 503
    assert "media process" in answer.json()["detail"]


def test_a_camera_with_masks_needs_the_right_to_unmasked_video(open_site: OpenSite) -> None:
    site = open_site(registry=lambda: masked(SiteRegistry(REGISTRY)))
    answer = post(site, CHROMIUM)
    assert (answer.status_code, answer.json()["type"]) == (403, f"{PROBLEM}forbidden")


def test_limits_of_viewings_and_the_turn_server(open_site: OpenSite) -> None:
    settings = Settings(
        address_requests_per_s=0,
        person_requests_per_s=0,
        live_views_per_person=1,
        webrtc_turn="turn:turn.example.org:3478",
    )
    site = open_site(settings=settings)
    station = Station(CAMERA, f"{CAMERA}/sub")
    site.hold(CAMERA)
    with media_process(site.layout), tapped(site.layout.live_socket(0), station):

        async def work(viewer: AiortcViewer, answer: httpx.Response) -> None:
            link = answer.headers["Link"]
            assert link == '<turn:turn.example.org:3478>; rel="ice-server"'
            second = await asyncio.to_thread(post, site, CHROMIUM)
            assert (second.status_code, second.json()["type"]) == (429, f"{PROBLEM}rate_limited")

        watch(site, Camera(site, station), work)


def test_a_viewer_reads_what_it_is_sent_and_why_its_session_ended(open_site: OpenSite) -> None:
    registry = [SiteRegistry(REGISTRY)]
    site = open_site(registry=lambda: registry[0])
    station = Station(CAMERA)
    site.hold(CAMERA)

    async def work(viewer: AiortcViewer, answer: httpx.Response) -> None:
        path = f"{answer.headers['Location']}/state"
        state = (await asyncio.to_thread(request, site, "GET", path)).json()
        assert abs(parse_rfc3339(state.pop("at")) - SystemClock().wall_ns()) < 60 * NS_PER_S
        assert state == {
            "stream": "main",
            "is_reduced": False,
            "skipped": 0,
            "sound_problem": None,
            "problem": None,
        }
        foreign = headers_of(site, Role.INVESTIGATOR)["Authorization"]
        refused = await asyncio.to_thread(request, site, "GET", path, Authorization=foreign)
        assert refused.status_code == 404
        registry[0] = masked(registry[0])
        await asyncio.to_thread(
            wait_for, "the end", lambda: request(site, "GET", path).json()["problem"]
        )
        chinese = await asyncio.to_thread(
            request, site, "GET", path, **{"Accept-Language": "zh-CN"}
        )
        problem = chinese.json()["problem"]
        assert problem["type"] == f"{PROBLEM}forbidden"
        assert problem["title"] == "不允许此请求"

    with media_process(site.layout), tapped(site.layout.live_socket(0), station):
        watch(site, Camera(site, station), work)


def test_a_viewing_ends_when_the_token_does(site: Site, camera: Camera, media: None) -> None:
    async def work(viewer: AiortcViewer, answer: httpx.Response) -> None:
        name = next(one for one in entries(site))["person"]
        site.context.people.remove(name)
        await asyncio.to_thread(
            wait_for, "the end", lambda: not LIVE_VIEWERS.labels(CAMERA)._value.get()
        )

    watch(site, camera, work)
