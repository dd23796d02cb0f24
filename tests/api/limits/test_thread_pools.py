"""Routes that wait for cameras and nodes delay no others, in the API and in the node API."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from api.limits.send_limits import MAX_OPEN
from api.limits.thread_pools import _SIZES, Pool
from api.node_api.app import make_node_api
from api.nodes.client import MOST_CONNECTIONS, NodeClient
from api.routes import ROUTES
from domain.clock import SystemClock
from domain.errors import NotFound
from domain.metrics import POOL_REQUESTS_REFUSED
from domain.people import Role
from tests.api.node_contexts import node_context
from tests.api.site_data import SIGNER
from tests.waiting import PATIENCE_S

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite, Site

RUNNING, WAITING = _SIZES[Pool.PICTURES].running, _SIZES[Pool.PICTURES].waiting
PICTURE = "/v1/cameras/east-gate/picture"


class DeadCamera:
    """A camera that delivers no picture until it is released."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.waiting = 0
        self._lock = threading.Lock()

    def picture(self) -> bytes:
        with self._lock:
            self.waiting += 1
        self.let_go.wait(PATIENCE_S)
        raise NotFound("no picture")


class HangingNodeClient(NodeClient):
    """A node client whose node has a dead camera."""

    def __init__(self, camera: DeadCamera) -> None:
        super().__init__(SIGNER, SystemClock())
        self._camera = camera

    def camera_picture(
        self, node_api_url: str, node: str, camera_id: str, is_sub: bool = False
    ) -> bytes:
        return self._camera.picture()


@pytest.fixture
def camera() -> Iterator[DeadCamera]:
    camera = DeadCamera()
    yield camera
    camera.let_go.set()


@pytest.fixture
def threads(camera: DeadCamera) -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(RUNNING + WAITING + 8) as threads:
        yield threads
        camera.let_go.set()


def test_pictures_of_a_dead_camera_delay_no_other_call(
    open_site: OpenSite, camera: DeadCamera, threads: ThreadPoolExecutor
) -> None:
    site = open_site(node_client=HangingNodeClient(camera))
    site.hold("east-gate")
    site.http = httpx.Client(
        trust_env=False, timeout=PATIENCE_S, limits=httpx.Limits(max_connections=None)
    )
    assert site.get("/v1/session").status_code == 200
    asked = [threads.submit(site.get, PICTURE) for _ in range(RUNNING + WAITING)]
    site.eventually(lambda: camera.waiting == RUNNING)
    for path in ("/v1/session", "/v1/events", "/v1/cameras", "/healthz"):
        assert site.get(path).status_code == 200
    assert site.get(PICTURE, Role.INTEGRATOR).status_code == 403, "the guard does not wait either"
    before = POOL_REQUESTS_REFUSED.labels("pictures")._value.get()
    refused = _first_refused(site, threads)
    assert (refused.status_code, refused.json()["type"]) == (
        503,
        "urn:sightline:problem:unavailable",
    )
    assert refused.headers["Retry-After"] == "2"
    assert POOL_REQUESTS_REFUSED.labels("pictures")._value.get() > before
    assert not any(one.done() for one in asked)
    camera.let_go.set()
    assert {one.result().status_code for one in asked} == {404}


def _first_refused(site: Site, threads: ThreadPoolExecutor) -> httpx.Response:
    """Send requests until one is refused; the waiting ones may not have arrived yet."""
    more: list[Future[httpx.Response]] = []

    def one_is_refused() -> bool:
        if len(more) < 8:
            more.append(threads.submit(site.get, PICTURE))
        return any(one.done() for one in more)

    site.eventually(one_is_refused)
    return next(one.result() for one in more if one.done())


def test_pictures_of_a_dead_camera_delay_no_other_call_of_a_node(
    site: Site, camera: DeadCamera, threads: ThreadPoolExecutor, tmp_path: Path
) -> None:
    context = node_context(site.layout, picture=lambda camera_id, is_sub: camera.picture())
    with site.serve(make_node_api(context)) as url, NodeClient(SIGNER, context.clock) as client:
        asked = [
            threads.submit(client.camera_picture, url, "node-1", "east-gate")
            for _ in range(RUNNING + 16)
        ]
        site.eventually(lambda: camera.waiting == RUNNING)
        assert client.health(url, "node-1") == ()
        assert client.segments(url, "node-1", "east-gate", 0, 1).rows == b""
        assert not any(one.done() for one in asked)
        camera.let_go.set()
        assert all(isinstance(one.exception(), NotFound) for one in asked)


def test_every_route_that_asks_nodes_has_a_pool_of_its_own() -> None:
    pools = {
        route.path.rpartition("/")[2]: route.pool
        for route in ROUTES
        if route.pool is not Pool.QUERIES
    }
    assert pools == {
        "picture": Pool.PICTURES,
        "snapshot": Pool.PICTURES,
        "crop": Pool.PICTURES,
        "recording": Pool.RECORDINGS,
        "file": Pool.RECORDINGS,
        "coverage": Pool.PLAYBACK,
        "outages": Pool.PLAYBACK,
        "playlist": Pool.PLAYBACK,
        "playlist.m3u8": Pool.PLAYBACK,
        "{name}": Pool.PLAYBACK,
        "keyframes": Pool.PLAYBACK,
        "clip": Pool.PLAYBACK,
        "triggers": Pool.PLAYBACK,
        "test-picture": Pool.PICTURES,
        "session": Pool.PASSWORDS,
        "second-factor": Pool.PASSWORDS,
        "password": Pool.PASSWORDS,
        "audit": Pool.PLAYBACK,
        "export": Pool.PLAYBACK,
        "openid": Pool.PROVIDER,
        "callback": Pool.PROVIDER,
        "back-channel-logout": Pool.PROVIDER,
    }


def test_there_are_enough_connections_to_nodes() -> None:
    assert sum(size.running for size in _SIZES.values()) + MAX_OPEN <= MOST_CONNECTIONS
