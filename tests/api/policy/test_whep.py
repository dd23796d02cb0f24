"""A WHEP session under an access policy: who may open it needs no approval to change or end it."""

from __future__ import annotations

import asyncio
import json

import httpx

from tests.api.live.conftest import CAMERA, Camera
from tests.api.live.media_process import media_process
from tests.api.live.test_whep import FRAGMENT, SDP, WHEP, request, watch
from tests.api.policy.policy_site import PolicySite, problem
from tests.api.webrtc.aiortc_viewer import AiortcViewer
from tests.api.webrtc.test_sdp import CHROMIUM
from tests.live_station import Station, tapped

LIVE_VIEW_APPROVAL = "{live: {rights: [live_view], needs: [reason, case, approval]}}"
CASE = "2026-118"


def test_a_session_is_changed_and_ended_without_an_approval(city: PolicySite) -> None:
    site = city.site
    city.apply(LIVE_VIEW_APPROVAL)
    city.open_case(CASE)
    headers = {"Authorization": f"Bearer {city.tokens['zhao']}", "Content-Type": SDP}
    headers |= {"X-Reason": "a test", "X-Case": CASE}

    def post(_: object, offer: str) -> httpx.Response:
        return site.http.post(site.url + WHEP, content=offer, headers=headers)

    refused = post(site, CHROMIUM)
    assert problem(refused) == (403, "approval_required")
    city.decide("li", city.request("zhao", refused, case=CASE)["id"])

    async def work(viewer: AiortcViewer, answer: httpx.Response) -> None:
        path = answer.headers["Location"]
        own = {"Authorization": headers["Authorization"]}
        candidate = "a=candidate:1 1 udp 9 192.0.2.1 9 typ host\r\n"
        added = await asyncio.to_thread(
            request, site, "PATCH", path, candidate, **own, **{"Content-Type": FRAGMENT}
        )
        assert added.status_code == 204, added.text
        ended = await asyncio.to_thread(request, site, "DELETE", path, **own)
        assert ended.status_code == 200, ended.text

    station = Station(CAMERA)
    site.hold(CAMERA)
    with media_process(site.layout), tapped(site.layout.live_socket(0), station):
        watch(site, Camera(site, station), work, post)
        site.eventually(lambda: not station.watchers.total())
    lines = [json.loads(line) for line in site.audit_lines()]
    viewings = [one for one in lines if one["phase"] == "viewed"]
    assert [one["route"] for one in viewings] == ["camera.whep"], "a change begins no viewing"
