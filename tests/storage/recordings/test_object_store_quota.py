from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from domain.alarms import AlarmName
from domain.clock import MS_PER_DAY, NS_PER_DAY, NS_PER_MS, NS_PER_S, ManualClock, SystemClock
from domain.errors import NotFound, ObjectsFull, StoreError
from domain.paths.segment_name import SegmentName
from domain.recordings.holds import Hold, StandingHolds
from domain.registry import Camera
from sightline.processes.child import Child
from sightline.processes.embedded_servers import seaweedfs
from sightline.processes.ports import free_ports
from storage.clients.interval_lock import IntervalLock
from storage.clients.redis import Redis
from storage.clients.s3 import ObjectStore
from storage.recordings.object_store_quota import (
    ROUND_EVERY_S,
    SURE_AFTER_S,
    ObjectStoreQuota,
    StoreClaims,
)
from storage.recordings.stored_segments import StoredSegments
from tests.conftest import STORE_SECRETS
from tests.kept import START_NS
from tests.small_disk import small_disk

SIZE_BYTES = 1000
FULL = ObjectsFull("the object store takes nothing more")


def _camera(camera_id: str, class_: str, days: int) -> Camera:
    place = {
        "name": camera_id,
        "area": "a",
        "location": {"lon": 0, "lat": 0},
        "url": "rtsp://10.0.0.1/",
    }
    return Camera.model_validate(
        {"id": camera_id, "class": class_, "retention_days": days, **place}
    )


class Node:
    def __init__(
        self, redis: Redis, objects: ObjectStore, folder: Path, name: str = "node-1"
    ) -> None:
        self.clock = ManualClock(START_NS)
        self.stored = StoredSegments(objects, self.clock)
        self.cameras = [_camera("gate", "A", 3), _camera("shop", "C", 5)]
        self.holds: list[Hold] = []
        self.said: dict[AlarmName, str | None] = {}
        self._folder = folder
        turn = IntervalLock(redis, "store_room", name, ROUND_EVERY_S)
        claims = StoreClaims(
            lambda: self.cameras, lambda: StandingHolds(self.holds, START_NS), self.said.__setitem__
        )
        self.room = ObjectStoreQuota(
            self.stored, claims, turn, self.clock, round_bytes=3 * SIZE_BYTES
        )

    def store(self, camera_id: str, *days_ago: int) -> None:
        for days in days_ago:
            name = SegmentName(
                camera_id, START_NS // NS_PER_MS - days * MS_PER_DAY - 60_000, 10_000, 1
            )
            path = self._folder / name.file_name
            path.write_bytes(b"x" * SIZE_BYTES)
            self.stored.put(name, path)

    def left(self) -> list[tuple[str, int]]:
        found = [
            one
            for camera in self.stored.cameras()
            for day in self.stored.days(camera)
            for one in self.stored.on_day(camera, day)
        ]
        return [
            (one.camera_id, (START_NS - one.start_ns) // (MS_PER_DAY * NS_PER_MS)) for one in found
        ]

    def refuse(self, seconds: float) -> None:
        for _ in range(round(seconds / 30)):
            self.clock.advance(30)
            self.room.on_upload(FULL)


@pytest.fixture
def node(redis: Redis, objects: ObjectStore, tmp_path: Path) -> Node:
    return Node(redis, objects, tmp_path)


def test_the_least_important_and_the_oldest_go_and_what_is_young_or_held_stays(node: Node) -> None:
    node.store("gate", 9, 4, 2)
    node.store("shop", 8, 7, 6, 4)
    node.store("gone", 4, 2)
    hold = {
        "id": "h",
        "camera": "shop",
        "from": 0,
        "to": START_NS - 7 * NS_PER_DAY - 60 * NS_PER_S,
        "reason": "a case",
    }
    node.holds.append(Hold.model_validate({**hold, "placed_by": "li", "placed_at": 0}))
    assert node.room.make_room() == 3 * SIZE_BYTES
    assert node.left() == [
        ("gate", 9),
        ("gate", 4),
        ("gate", 2),
        ("gone", 2),
        ("shop", 8),
        ("shop", 4),
    ]
    assert node.room.make_room() == 2 * SIZE_BYTES
    assert node.room.make_room() == 0
    assert node.left() == [("gate", 2), ("gone", 2), ("shop", 8), ("shop", 4)]


def test_a_round_comes_once_it_is_sure_and_then_each_half_hour_of_the_site(
    node: Node, redis: Redis, objects: ObjectStore
) -> None:
    node.store("gate", 20, 19, 18, 17, 16)
    node.refuse(SURE_AFTER_S)
    assert node.said == {}
    node.refuse(60)
    assert "more space" in (node.said[AlarmName.STORE_FULL] or "")
    assert len(node.left()) == 2
    node.refuse(600)
    assert len(node.left()) == 2, "the store may have the room only later"
    redis.do("DEL", "{store_room}:turn")
    node.room.on_upload(None)
    assert node.said == {AlarmName.STORE_FULL: None}
    node.refuse(SURE_AFTER_S)
    assert len(node.left()) == 2
    node.refuse(60)
    assert node.left() == []


def test_nothing_is_deleted_while_holds_or_minimums_are_unknown(node: Node) -> None:
    node.store("gate", 20)
    cameras = node.cameras.copy()
    node.cameras.clear()
    with pytest.raises(StoreError, match="no registry"):
        node.room.make_room()
    node.refuse(120)
    assert len(node.left()) == 1
    node.cameras += cameras
    node.refuse(30)
    assert node.left() == [], "the site's turn was not used up in vain"


@pytest.fixture(scope="module")
def full_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    """A real SeaweedFS on a disk of 200 MiB, filled until it refuses."""
    with small_disk(tmp_path_factory.mktemp("full") / "disk", 200) as folder:
        (port,) = free_ports(1)
        spec = seaweedfs(folder, port, STORE_SECRETS, folder / "log")
        changed = {"-master.volumeSizeLimitMB": "32", "-volume.minFreeSpace": "20MiB"}
        names = [argument.partition("=")[0] for argument in spec.arguments]
        small = tuple(
            f"{name}={changed[name]}" if name in changed else argument
            for name, argument in zip(names, spec.arguments, strict=True)
        )
        child = Child(replace(spec, arguments=small), SystemClock())
        child.start()
        child.wait_ready()
        objects = ObjectStore(
            f"127.0.0.1:{port}",
            STORE_SECRETS.s3_access_key,
            STORE_SECRETS.s3_secret_key,
            "full-store",
        )
        objects.ensure_bucket()
        yield objects
        objects.close()
        child.stop()


def _fill(store: ObjectStore, data: bytes) -> int:
    """Put objects until the store refuses, and return how many it accepted."""
    for number in range(60):
        try:
            store.put(f"recordings/{number}", data, "video/mp4")
        except ObjectsFull:
            return number
    return 60


def test_a_store_without_space_is_distinguished_from_an_unreachable_one(
    full_store: ObjectStore, tmp_path: Path
) -> None:
    data = random.Random(1).randbytes(4 << 20)
    taken = _fill(full_store, data)
    assert 10 < taken < 60
    large = tmp_path / "large"
    large.write_bytes(data * 3)
    with pytest.raises(ObjectsFull):
        full_store.put_file("recordings/large", large, "video/mp4")
    full_store.ping()
    assert full_store.get("recordings/0") == data, "it still answers"
    full_store.delete("recordings/0")
    with pytest.raises(NotFound):
        full_store.get("recordings/0")
