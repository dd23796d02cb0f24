"""A site to ask: real Valkey, real SeaweedFS, a real spool and recordings, and both apps served
on loopback.
"""

from __future__ import annotations

import itertools
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

import av
import httpx
import numpy as np
import pytest
import uvicorn
from fastapi import FastAPI

from api.access.api_context import ApiContext, SiteRegistry
from api.app import make_app
from api.node_api.app import make_node_api
from api.node_api.context import NodeApiContext
from api.nodes.client import NodeClient
from api.requests.cutting import Cutting
from domain.camera_states import CameraStatus
from domain.clock import NS_PER_MS, NS_PER_S, SystemClock
from domain.errors import NotFound
from domain.events.event import Alternative, Event, Location, Passing, Plate
from domain.media.packets import SegmentName
from domain.paths.data_layout import Layout
from domain.paths.object_keys import ARCHIVE_PREFIX, GAPS_PREFIX, RECORDINGS_PREFIX, day_of
from domain.people import Role
from domain.plates import PlateColor
from domain.registry import Registry
from domain.settings import Settings
from domain.ulid import event_id
from storage.archive.archive import Archive
from storage.clients.redis import Redis, connect
from storage.clients.s3 import ObjectStore
from storage.events.corrections import Corrections
from storage.events.damaged_objects import DamagedObjects
from storage.events.feed import Feed
from storage.events.spool import Spool
from storage.events.verified_objects import VerifiedObjects
from storage.index.event_index import EventIndex
from storage.recordings.gaps.log import GapLog
from storage.recordings.gaps.stored import StoredGaps
from storage.recordings.ledger import Ledger
from storage.recordings.stored_segments import StoredSegments
from storage.recordings.trigger_log import TriggerLog
from storage.site.audit import AuditLog
from storage.site.camera_states import CameraStates
from storage.site.leases import Leases
from storage.site.nodes import NodeEntry, Nodes
from storage.site.people import People
from storage.site.watch_matches import WatchMatches
from storage.site.watches import Watches
from tests.waiting import PATIENCE_S, wait_for

if TYPE_CHECKING:
    from tests.conftest import S3Config

KEY = b"the node API key of the tests"
START_NS = 1_764_000_000 * NS_PER_S
REGISTRY = Registry.model_validate(
    {
        "version": 1,
        "areas": {
            "danjiangkou/junzhou": {"name": "均州路街道"},
            "danjiangkou": {"name": "丹江口市"},
        },
        "cameras": [
            {
                "id": camera_id,
                "name": name,
                "class": class_,
                "area": area,
                "location": {"lon": lon, "lat": 32.54},
                "url": f"rtsp://10.1.2.3:554/{camera_id}?user=admin&password=hunter2",
                "checkpoint": checkpoint,
                "substream": {"url": "rtsp://10.1.2.3:554/small"}
                if camera_id == "east-gate"
                else None,
            }
            for camera_id, name, class_, area, lon, checkpoint in (
                ("east-gate", "均州路东口卡口", "A", "danjiangkou/junzhou", 111.513, ["plate"]),
                (
                    "west-gate",
                    "均州路西口卡口",
                    "A",
                    "danjiangkou/junzhou",
                    111.413,
                    ["plate", "face"],
                ),
                ("school", "实验小学", "B", "danjiangkou", 111.52, []),
            )
        ],
    }
)


class MakeEvent(Protocol):
    def __call__(
        self,
        at_s: float = 0,
        camera: str = "east-gate",
        plate: str | None = "鄂F88888",
        **changes: object,
    ) -> Event: ...


@pytest.fixture
def make_event() -> MakeEvent:
    return _event


def _event(
    at_s: float = 0, camera: str = "east-gate", plate: str | None = "鄂F88888", **changes: object
) -> Event:
    """An event `at_s` seconds into the tests' day; of a face where `plate` is None."""
    entry = REGISTRY.camera(camera)
    assert entry is not None
    at_ns = START_NS + round(at_s * 1000) * NS_PER_MS
    kind = "face" if plate is None else "vehicle"
    read = (
        None
        if plate is None
        else Plate(
            text=plate,
            color=PlateColor.BLUE,
            confidence=0.98,
            alternatives=(Alternative(text="鄂F8888B", confidence=0.01),),
        )
    )
    fields: dict[str, object] = {
        "id": event_id(camera, kind, at_ns, "0"),
        "kind": kind,
        "camera": camera,
        "class": entry.class_,
        "area": entry.area,
        "location": Location(lon=entry.location.lon, lat=entry.location.lat),
        "started_at": at_ns,
        "best_at": at_ns + 500 * NS_PER_MS,
        "ended_at": at_ns + 1000 * NS_PER_MS,
        "plate": read,
        "confidence": 0.9,
        "box": (0.4, 0.6, 0.5, 0.7),
    }
    return Event.model_validate(fields | changes)


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """`app` on loopback by the server that runs it in earnest; its address."""
    # Its protocol named, or asyncio leaves Nagle's algorithm on and every answer waits 40 ms for an
    # acknowledgement.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=1,
        )
    )
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
    """A person of each role, made when first needed."""

    def __init__(self, people: People) -> None:
        super().__init__()
        self._people = people

    def __missing__(self, role: Role) -> str:
        self[role] = self._people.add(f"{role}-{next(_names)}", role)
        return self[role]


@dataclass
class Site:
    """Everything behind the API, to be filled by a test, and clients in front of it."""

    context: ApiContext
    redis: Redis
    layout: Layout
    spool: Spool
    node_api_url: str
    url: str
    tokens: Tokens
    statuses: list[CameraStatus]
    pictures: dict[str, bytes]
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
        """Ask as a person of `role`; header names are given with underscores."""
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
    def serve(app: FastAPI) -> AbstractContextManager[str]:
        """Another app on loopback; its address."""
        return served(app)

    @staticmethod
    def eventually(holds: Callable[[], bool]) -> None:
        """Wait for what another thread brings about."""
        wait_for("what another thread brings about", holds)

    def forget(self) -> None:
        """Empty the index, the archive and the node's folders."""
        self.redis.do("FLUSHALL")
        for stat in list(self.context.objects.list(ARCHIVE_PREFIX)):
            self.context.objects.delete(stat.key)
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

    def hold(self, camera_id: str, node: str = "node-1", node_api_url: str | None = None) -> None:
        """Let a node hold a camera: this site's, or one behind another door."""
        self.beat(node, node_api_url or self.node_api_url, self.context.clock.wall_ns())
        Leases(self.redis).take(node, Leases(self.redis).draw([camera_id]))

    def beat(self, node: str, node_api_url: str, seen_ns: int) -> None:
        """Let a node have been seen last then."""
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
    """Opens a site, each part of which may be replaced: `open_site(objects=…, settings=…)`."""
    closing: list[Callable[[], object]] = []

    def opened(**changes: object) -> Site:
        site, close = _open(valkey_server, bucket, tmp_path, changes)
        closing.append(close)
        return site

    yield opened
    for close in closing:
        close()


@pytest.fixture(scope="session")
def standing_site(
    valkey_server: str, bucket: ObjectStore, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    site, close = _open(valkey_server, bucket, tmp_path_factory.mktemp("site"), {})
    yield site
    close()


@pytest.fixture
def site(standing_site: Site) -> Site:
    """The site that stands for the whole run, as if nothing had ever happened there."""
    standing_site.forget()
    return standing_site


def _door(
    layout: Layout, spool: Spool, statuses: list[CameraStatus], pictures: dict[str, bytes]
) -> AbstractContextManager[str]:
    """The node's door, with what a test says of cameras and their pictures."""

    def picture(camera_id: str, is_sub: bool) -> bytes:
        camera_id = f"{camera_id}/sub" if is_sub else camera_id
        if camera_id not in pictures:
            raise NotFound(f"{camera_id} has shown nothing yet")
        return pictures[camera_id]

    clock = SystemClock()
    return served(
        make_node_api(
            NodeApiContext(
                KEY,
                spool,
                Ledger(layout.recordings),
                GapLog(layout, clock),
                lambda: tuple(statuses),
                picture,
                layout.root / "scratch",
                clock,
                TriggerLog(layout, Settings()),
            )
        )
    )


def _open(
    url: str, objects: ObjectStore, folder: Path, changes: dict[str, object]
) -> tuple[Site, Callable[[], object]]:
    redis, clock, layout = connect(url), SystemClock(), Layout(folder)
    redis.do("FLUSHALL")
    for left in (
        left
        for prefix in (GAPS_PREFIX, RECORDINGS_PREFIX, ARCHIVE_PREFIX)
        for left in list(objects.list(prefix))
    ):
        objects.delete(left.key)
    spool, statuses, pictures = Spool(layout, clock), list[CameraStatus](), dict[str, bytes]()
    door = _door(layout, spool, statuses, pictures)
    node_api_url = door.__enter__()
    people = People(redis, objects)
    parts: dict[str, object] = {
        "settings": Settings(),
        "registry": lambda: SiteRegistry(REGISTRY),
        "index": EventIndex(redis),
        "archive": Archive.open(objects, redis, folder / "archive", Settings(), clock),
        "feed": Feed(redis, 1000),
        "watches": Watches(redis, objects, clock),
        "matches": WatchMatches(redis),
        "objects": objects,
        "people": people,
        "corrections": Corrections(redis, objects, EventIndex(redis), clock),
        "states": CameraStates(redis),
        "leases": Leases(redis),
        "stored": StoredSegments(objects, clock),
        "stored_gaps": StoredGaps(objects),
        "audit": AuditLog(layout.audit, clock),
        "node_client": NodeClient(KEY, clock),
        "clock": clock,
        "cutting": Cutting(folder / "api-scratch"),
        "ticket_key": KEY,
    }
    # The people of a test are made in the store that works.
    asked = parts["objects"] = cast(ObjectStore, changes.pop("objects_asked", objects))
    parts["verified"] = VerifiedObjects(asked, DamagedObjects(redis, clock), clock)
    context = ApiContext(**(parts | changes))  # type: ignore[arg-type]
    api = served(make_app(context))
    site = Site(
        context,
        redis,
        layout,
        spool,
        node_api_url,
        api.__enter__(),
        Tokens(people),
        statuses,
        pictures,
    )

    def close() -> None:
        site.http.close()
        context.node_client.close()
        context.archive.close()
        api.__exit__(None, None, None)
        door.__exit__(None, None, None)
        redis.close()

    return site, close


@pytest.fixture
def record() -> Callable[[Layout, str, int, float], Path]:
    return _record


def _record(layout: Layout, camera_id: str, start_ns: int, seconds: float) -> Path:
    """A segment as the recorder leaves it: 10 pictures a second, a keyframe each second,
    fragmented MP4.
    """
    name = SegmentName(camera_id, start_ns // NS_PER_MS, round(seconds * 1000), 1)
    folder = layout.recordings_of(camera_id) / day_of(start_ns)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name.file_name
    with av.open(
        str(path), "w", options={"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    ) as container:
        stream = container.add_stream(
            "libx264", rate=10, options={"preset": "ultrafast", "tune": "zerolatency", "g": "10"}
        )
        stream.width, stream.height, stream.pix_fmt, stream.time_base = (
            64,
            48,
            "yuv420p",
            Fraction(1, 10),
        )
        for i in range(round(seconds * 10)):
            frame = av.VideoFrame.from_ndarray(
                np.full((48, 64, 3), (i * 8) % 255, np.uint8), "rgb24"
            )
            frame.pts = i
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path
