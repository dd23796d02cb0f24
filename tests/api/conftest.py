"""A site with real Valkey, SeaweedFS, spool and recordings; API and node API run on loopback."""

from __future__ import annotations

import itertools
import shutil
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from api.access.api_context import ApiContext
from api.app import make_app
from api.feeds.feeds import Feeds
from api.node_api.app import make_node_api
from api.requests.refused_requests import Refusals
from api.site.console import ConsoleFiles
from domain.camera_states import CameraStatus
from domain.clock import SystemClock
from domain.errors import NotFound
from domain.events.event import Event, Passing
from domain.paths.data_layout import Layout
from domain.paths.object_keys import (
    ARCHIVE_PREFIX,
    GAPS_PREFIX,
    PEOPLE_PREFIX,
    RECORDING_INDEX_PREFIX,
    RECORDINGS_PREFIX,
)
from domain.people import Role
from sightline.connection_limits import ConnectionLimits
from sightline.http_server import server_config
from sightline.websocket_protocol import websocket_options
from storage.audit.viewings import Viewings
from storage.clients.redis import Redis, connect
from storage.clients.s3 import ObjectStore
from storage.events.spool import Spool
from storage.site.leases import Leases
from storage.site.nodes import NodeEntry, Nodes
from storage.site.people import People
from tests.api.documented import check_documented
from tests.api.node_contexts import node_context
from tests.api.site_context import make_context
from tests.api.site_data import MakeEvent, event_at, record_segment
from tests.buckets import remove_objects
from tests.people import people_of
from tests.waiting import PATIENCE_S, wait_for

if TYPE_CHECKING:
    from tests.conftest import S3Config


@pytest.fixture
def make_event() -> MakeEvent:
    return event_at


@contextmanager
def served(
    app: FastAPI, limits: ConnectionLimits | None = None, tls: ssl.SSLContext | None = None
) -> Iterator[str]:
    """Serve `app` on loopback with the server of production; yield its URL."""
    # Without IPPROTO_TCP, asyncio leaves Nagle's algorithm on, and every response waits 40 ms for
    # an acknowledgement.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    limits = limits or ConnectionLimits(SystemClock())
    config = server_config(
        app, limits, tls=tls, stop_within_s=1, websockets=websocket_options(limits)
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    Site.eventually(lambda: server.started)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(PATIENCE_S)
        listener.close()


_names = itertools.count()


class Tokens(dict[Role, str]):
    """The token of a person of each role, who is added at the first access."""

    def __init__(self, people: People) -> None:
        super().__init__()
        self._people = people

    def __missing__(self, role: Role) -> str:
        self[role] = self._people.add(f"{role}-{next(_names)}", role).token
        return self[role]


@dataclass
class Site:
    """The stores behind the API, which tests fill, and a client of the API."""

    context: ApiContext
    redis: Redis
    layout: Layout
    spool: Spool
    node_api_url: str
    url: str
    tokens: Tokens
    statuses: list[CameraStatus]
    pictures: dict[str, bytes]
    refusals: Refusals
    viewings: Viewings
    feeds: Feeds
    http: httpx.Client = field(
        default_factory=lambda: httpx.Client(trust_env=False, timeout=PATIENCE_S)
    )

    def get(
        self,
        path: str,
        role: Role = Role.INVESTIGATOR,
        reason: str | bytes | None = "a test",
        method: str = "GET",
        body: object = None,
        **headers: str,
    ) -> httpx.Response:
        """Send a request as a person of `role`; header names have underscores."""
        raw: list[tuple[bytes, bytes]] = [
            (b"Authorization", f"Bearer {self.tokens[role]}".encode())
        ]
        if reason is not None:
            raw.append((b"X-Reason", reason if isinstance(reason, bytes) else reason.encode()))
        raw += [
            (name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()
        ]
        return self.http.request(method, self.url + path, headers=raw, json=body)

    @staticmethod
    def serve(
        app: FastAPI, limits: ConnectionLimits | None = None, tls: ssl.SSLContext | None = None
    ) -> AbstractContextManager[str]:
        """Serve another app on loopback; yield its URL."""
        return served(app, limits, tls)

    @staticmethod
    def eventually(holds: Callable[[], bool]) -> None:
        """Wait for a condition that another thread fulfils."""
        wait_for("a condition that another thread fulfils", holds)

    def forget(self) -> None:
        """Empty the index, the node's folders, and the bucket except for people."""
        # Refused requests of an earlier test would otherwise be written during the next one.
        self.refusals.flush(is_last=True)
        self.viewings.flush(is_last=True)
        self.redis.do("FLUSHALL")
        remove_objects(self.context.objects, kept=(PEOPLE_PREFIX,))
        for folder in (
            self.layout.gaps,
            self.layout.recordings,
            self.layout.spool,
            self.layout.audit,
            self.layout.triggers,
        ):
            shutil.rmtree(folder, ignore_errors=True)
        for held in (self.tokens, self.statuses, self.pictures):
            held.clear()

    def end_reading(self) -> None:
        """End the reading of the feeds, which goes on for some seconds after the last follower. It
        writes to Redis where a feed is empty, also while a test of another file runs.
        """
        for hub in (self.feeds.events, self.feeds.watches):
            reading = hub._task
            if reading is not None and not reading.done():
                reading.get_loop().call_soon_threadsafe(reading.cancel)
                self.eventually(reading.done)

    def hold(self, camera_id: str, node: str = "node-1", node_api_url: str | None = None) -> None:
        """Let a node hold a camera: the node of this site, or one at another URL."""
        self.beat(node, node_api_url or self.node_api_url, self.context.clock.wall_ns())
        Leases(self.redis).acquire(node, Leases(self.redis).draw([camera_id]))

    def beat(self, node: str, node_api_url: str, seen_ns: int) -> None:
        """Write a node's entry as of `seen_ns`."""
        Nodes(self.redis).beat(NodeEntry(node, node_api_url, 1, seen_ns))

    def spool_passing(self, event: Event) -> None:
        self.context.index.put(event)
        self.spool.put(
            Passing(event, b"snapshot of " + event.id.encode(), b"crop of " + event.id.encode())
        )

    def audit_lines(self) -> list[str]:
        return [
            line
            for file in sorted(self.layout.audit.glob("*.jsonl"))
            for line in file.read_text("utf-8").splitlines()
        ]


@pytest.fixture(scope="session")
def bucket(s3_server: S3Config) -> ObjectStore:
    objects = ObjectStore(
        s3_server.endpoint,
        s3_server.access_key,
        s3_server.secret_key,
        "api-tests",
        s3_server.secure,
    )
    objects.ensure_bucket()
    return objects


class OpenSite(Protocol):
    def __call__(self, **changes: object) -> Site: ...


@pytest.fixture
def open_site(valkey_server: str, bucket: ObjectStore, tmp_path: Path) -> Iterator[OpenSite]:
    """Open a site, any part of which may be replaced: `open_site(objects=…, settings=…)`."""
    with _opener(valkey_server, bucket, tmp_path) as opened:
        yield opened


@pytest.fixture(scope="module")
def open_module_site(
    valkey_server: str, bucket: ObjectStore, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OpenSite]:
    """Open a site for all tests of a module."""
    with _opener(valkey_server, bucket, tmp_path_factory.mktemp("module-site")) as opened:
        yield opened


@contextmanager
def _opener(url: str, objects: ObjectStore, folder: Path) -> Iterator[OpenSite]:
    # What another file has left would otherwise decide a test, and only where one process runs
    # both files.
    remove_objects(objects)
    with ExitStack() as opened:

        def open_one(**changes: object) -> Site:
            return opened.enter_context(_opened_site(url, objects, folder, changes))

        yield open_one


@pytest.fixture(scope="session")
def session_site(
    valkey_server: str, bucket: ObjectStore, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    remove_objects(bucket)
    with _opened_site(valkey_server, bucket, tmp_path_factory.mktemp("site"), {}) as site:
        yield site


@pytest.fixture
def site(session_site: Site) -> Iterator[Site]:
    """Empty the site of the whole test run and yield it."""
    session_site.forget()
    yield session_site
    session_site.end_reading()


def _node_api(
    layout: Layout, spool: Spool, statuses: list[CameraStatus], pictures: dict[str, bytes]
) -> AbstractContextManager[str]:
    """Serve a node API with the statuses and pictures that a test sets."""

    def picture(camera_id: str, is_sub: bool) -> bytes:
        camera_id = f"{camera_id}/sub" if is_sub else camera_id
        if camera_id not in pictures:
            raise NotFound(f"{camera_id} has shown nothing yet")
        return pictures[camera_id]

    context = node_context(layout, picture=picture, statuses=lambda: tuple(statuses))
    return served(make_node_api(replace(context, spool=spool)))


@contextmanager
def _opened_site(
    url: str, objects: ObjectStore, folder: Path, changes: dict[str, object]
) -> Iterator[Site]:
    layout, spool_clock = Layout(folder), SystemClock()
    spool, statuses, pictures = Spool(layout, spool_clock), list[CameraStatus](), dict[str, bytes]()
    with ExitStack() as ending:
        redis = ending.enter_context(closing(connect(url)))
        redis.do("FLUSHALL")
        remove_objects(
            objects, GAPS_PREFIX, RECORDINGS_PREFIX, RECORDING_INDEX_PREFIX, ARCHIVE_PREFIX
        )
        node_api_url = ending.enter_context(_node_api(layout, spool, statuses, pictures))
        people = people_of(redis, objects)
        console = cast(ConsoleFiles | None, changes.pop("console", None))
        context = make_context(redis, objects, layout, people, changes)
        app = make_app(context, console=console)
        api_url = ending.enter_context(served(app))
        ending.callback(context.archive.close)
        ending.callback(context.node_client.close)
        site = Site(
            context,
            redis,
            layout,
            spool,
            node_api_url,
            api_url,
            Tokens(people),
            statuses,
            pictures,
            app.state.recorder.refusals,
            app.state.recorder.viewings,
            app.state.feeds,
        )
        # A test may replace the client.
        ending.callback(lambda: site.http.close())
        site.http.event_hooks["response"].append(check_documented(app, site.url))
        yield site


@pytest.fixture
def record() -> Callable[[Layout, str, int, float], Path]:
    return record_segment
