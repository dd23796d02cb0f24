"""The node API refuses requests without a token for them; its client maps responses to errors."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI

from api.node_api.app import make_node_api
from api.nodes.client import NodeClient
from api.nodes.tokens import sign
from api.nodes.wire_names import PATH_PREFIX
from domain.camera_states import CameraState, CameraStatus
from domain.clock import NS_PER_HOUR, NS_PER_S, ManualClock, SystemClock
from domain.errors import NodeOffline, NotFound, SourceTimeout
from domain.people import Role
from tests.api.node_contexts import node_context
from tests.api.site_data import NODE, SIGNER
from tests.waiting import PATIENCE_S

if TYPE_CHECKING:
    from tests.api.conftest import Site
    from tests.api.site_data import MakeEvent

HEALTH = f"{PATH_PREFIX}/health"
PATHS = (
    HEALTH,
    f"{PATH_PREFIX}/cameras/east-gate/account?from_ns=0&to_ns=1",
    f"{PATH_PREFIX}/cameras/east-gate/layouts?from_ns=0&to_ns=1",
    f"{PATH_PREFIX}/cameras/east-gate/picture",
    f"{PATH_PREFIX}/gaps?from_ns=0&to_ns=1",
    f"{PATH_PREFIX}/cameras/east-gate/live",
    f"{PATH_PREFIX}/cameras/east-gate/events/01JD7Z3V5G8M2K4Q6R9T1W3Y5A/snapshot.jpg",
    "/nowhere",
    "/openapi.json",
)


@pytest.mark.parametrize("path", PATHS)
def test_every_route_needs_its_own_token(site: Site, path: str) -> None:
    now_ns = SystemClock().wall_ns()
    other = sign(SIGNER, NODE, "GET", f"{PATH_PREFIX}/other".encode(), now_ns)
    stale = sign(SIGNER, NODE, "GET", path.encode(), now_ns - 120 * NS_PER_S)
    stranger = replace(SIGNER, key=Ed25519PrivateKey.generate())
    guessed = sign(stranger, NODE, "GET", path.encode(), now_ns)
    of_another_node = sign(SIGNER, "node-2", "GET", path.encode(), now_ns)
    for headers in (
        {},
        {"Authorization": f"Bearer {site.tokens[Role.OPERATOR]}"},
        *({"Authorization": t} for t in (other, stale, guessed, of_another_node)),
    ):
        answer = httpx.get(
            site.node_api_url + path, headers=headers, trust_env=False, timeout=PATIENCE_S
        )
        assert (answer.status_code, answer.json()["type"]) == (
            401,
            "urn:sightline:problem:unauthenticated",
        ), headers


def test_the_right_token_is_accepted(site: Site) -> None:
    token = sign(SIGNER, NODE, "GET", HEALTH.encode(), SystemClock().wall_ns())
    url, headers = site.node_api_url + HEALTH, {"Authorization": token}
    assert (
        httpx.get(f"{url}?x=1", headers=headers, trust_env=False, timeout=PATIENCE_S).status_code
        == 401
    )
    assert httpx.get(url, headers=headers, trust_env=False, timeout=PATIENCE_S).json() == {
        "cameras": []
    }
    replayed = httpx.get(url, headers=headers, trust_env=False, timeout=PATIENCE_S)
    assert (replayed.status_code, replayed.json()["detail"]) == (401, "the token was used before")


def test_health_comes_back_as_it_was(site: Site) -> None:
    status = CameraStatus("east-gate", CameraState.WRONG_PASSWORD, 5, "401 Unauthorized")
    site.statuses.append(status)
    assert site.context.node_client.health(site.node_api_url, "node-1") == (status,)


def test_only_pictures_leave_the_spool(site: Site, make_event: MakeEvent) -> None:
    event = make_event()
    site.spool_passing(event)
    for name in ("event.json", "..%2Fevent.json", "snapshot.png"):
        with pytest.raises(NotFound):
            site.context.node_client.event_picture(
                site.node_api_url, "node-1", event.camera, event.id, name
            )


def test_clocks_far_apart_are_named_and_count_as_offline(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    late = NodeClient(SIGNER, ManualClock(SystemClock().wall_ns() - NS_PER_HOUR))
    with late, pytest.raises(NodeOffline, match="does not serve this API"):
        late.health(site.node_api_url, "node-1")
    assert "do the clocks of API and node agree?" in caplog.text


def test_a_node_whose_clock_was_hours_ahead_at_its_start_serves(site: Site) -> None:
    """A machine starts with the local time in its hardware clock, until NTP sets it."""
    clock = ManualClock(SystemClock().wall_ns())
    app = make_node_api(replace(node_context(site.layout), clock=clock))
    with site.serve(app) as url, NodeClient(SIGNER, clock) as client:
        assert client.health(url, NODE) == ()
        clock.step(-8 * 3600)
        clock.advance(1)
        assert client.health(url, NODE) == ()


def test_another_server_at_the_url_counts_as_offline(site: Site) -> None:
    with site.serve(FastAPI()) as url, pytest.raises(NodeOffline, match="another version"):
        site.context.node_client.health(url, "node-1")
    with pytest.raises(NodeOffline, match="node-1"):
        site.context.node_client.health("http://[broken", "node-1")


def test_a_camera_that_gives_no_picture(site: Site) -> None:
    def fails(camera_id: str, is_sub: bool) -> bytes:
        raise SourceTimeout(f"{camera_id} is silent")

    with site.serve(make_node_api(node_context(site.layout, picture=fails))) as url:
        site.hold("east-gate", "node-1", url)
        answer = site.get("/v1/cameras/east-gate/picture")
    assert (answer.status_code, answer.json()["type"]) == (
        503,
        "urn:sightline:problem:camera_unavailable",
    )
    assert answer.json()["detail"] == "east-gate is silent"
