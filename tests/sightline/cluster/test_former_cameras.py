"""Each machine of a site knows its former cameras, from its own registry and the object store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from domain.clock import NS_PER_MS, ManualClock
from domain.paths.data_layout import Layout
from domain.paths.object_keys import REGISTRY_PREFIX, day_of, registry_object
from domain.paths.segment_name import SegmentName
from domain.settings import Settings
from sightline.cluster import site_registry
from sightline.cluster.former_cameras import read_former
from sightline.cluster.registry_versions import RegistryFollower
from sightline.cluster.site_registry import Running, RunningRegistry
from sightline.jobs.node_jobs import NodeJobs
from sightline.processes.store_clients import Stores
from storage.clients.redis import connect
from storage.clients.s3 import ObjectStore
from storage.events.journal import Journal
from storage.events.spool import Spool
from storage.recordings.disk_quota import DiskQuota
from storage.recordings.ledger import Ledger
from storage.site.registries import Registries
from tests.buckets import remove_objects

if TYPE_CHECKING:
    from tests.conftest import S3Config


def text(*cameras: str) -> str:
    place = "name: x, area: a, location: {lon: 1, lat: 2}, url: rtsp://127.0.0.1/1"
    lines = [
        f"  - {{id: {name}, class: {class_}, {place}}}\n"
        for name, class_ in map(str.split, cameras)
    ]
    return "version: 1\nareas: {a: {name: a}}\ncameras:\n" + "".join(lines)


@pytest.fixture
def registries(valkey_server: str, s3_server: S3Config, clock: ManualClock) -> Iterator[Registries]:
    objects = ObjectStore(
        s3_server.endpoint, s3_server.access_key, s3_server.secret_key, "former", s3_server.secure
    )
    objects.ensure_bucket()
    remove_objects(objects, REGISTRY_PREFIX)
    redis = connect(valkey_server)
    redis.do("FLUSHALL")
    yield Registries(redis, objects, clock)
    redis.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def former(now: Running) -> dict[str, tuple[str, int]]:
    return {name: (one.camera.class_, one.left_at) for name, one in now.former.items()}


def test_a_camera_taken_out_at_a_start_is_known_at_once(tmp_path: Path, clock: ManualClock) -> None:
    """The object store need not respond for that."""
    layout, file = Layout(tmp_path / "data"), tmp_path / "r.yaml"
    running = RunningRegistry(layout)
    file.write_text(text("gate A", "shop C"))
    site_registry.settle(file, layout, clock)
    assert former(running.now()) == {}
    clock.advance(60)
    file.write_text(text("gate A"))
    site_registry.settle(file, layout, clock)
    now = running.now()
    assert former(now) == {"shop": ("C", clock.wall_ns())}
    assert [camera.id for camera in now.registry.cameras] == ["gate"]
    assert [camera.id for camera in now.kept_cameras] == ["gate", "shop"]
    file.write_text(text("gate A", "shop B"))
    site_registry.settle(file, layout, clock)
    assert former(running.now()) == {}


def test_a_new_machine_derives_the_cameras_that_left_before(
    tmp_path: Path, registries: Registries, clock: ManualClock
) -> None:
    for cameras in (
        ("gate A", "shop C"),
        ("gate A", "shop B"),
        ("gate A", "school B"),
        ("school B",),
    ):
        clock.advance(60)
        registries.add(text(*cameras))
    at_ns = clock.wall_ns()
    layout = Layout(tmp_path / "data")
    follower, running = RegistryFollower(registries, layout, clock), RunningRegistry(layout)
    for _ in range(10):
        follower.run_once()
    assert former(running.now()) == {"shop": ("B", at_ns - 60 * 10**9), "gate": ("A", at_ns)}
    registries.add(text("gate A"))
    follower.run_once()
    assert set(former(running.now())) == {"shop", "school"}


def test_one_damaged_version_does_not_hide_the_others(
    tmp_path: Path, registries: Registries, clock: ManualClock
) -> None:
    registries.add(text("gate A", "shop C"))
    registries.add(text("gate A"))
    registries.add(text("gate A", "school B"))
    registries._records._objects.put(registry_object(2), b"{", "application/json")
    registries._records._objects.put(f"{REGISTRY_PREFIX}junk", b"", "application/json")
    assert registries.versions() == [1, 2, 3]
    layout = Layout(tmp_path / "data")
    record = registries.read(3)
    site_registry.store_record(layout, record)
    follower = RegistryFollower(registries, layout, clock)
    for _ in range(10):
        follower._learn()
    assert set(read_former(layout).by_id) == {"shop"}


def test_a_damaged_file_is_made_again(
    tmp_path: Path, registries: Registries, clock: ManualClock
) -> None:
    registries.add(text("gate A", "shop C"))
    registries.add(text("gate A"))
    layout = Layout(tmp_path / "data")
    layout.root.mkdir()
    layout.former_cameras.parent.mkdir()
    layout.former_cameras.write_text('{"by_id": ')
    follower = RegistryFollower(registries, layout, clock)
    for _ in range(10):
        follower.run_once()
    assert set(read_former(layout).by_id) == {"shop"}


def test_its_recordings_keep_their_place_on_a_full_disk(
    tmp_path: Path, registries: Registries, clock: ManualClock
) -> None:
    """Recordings of a C camera in the registry are deleted before those of a former A camera."""
    layout, file = Layout(tmp_path / "data"), tmp_path / "r.yaml"
    for cameras in (("gate A", "shop C"), ("shop C",)):
        file.write_text(text(*cameras))
        site_registry.settle(file, layout, clock)
    start_ms = clock.wall_ns() // NS_PER_MS
    for number, camera_id in enumerate(("gate", "shop")):
        name = SegmentName(camera_id, start_ms + number * 10_000, 10_000, 1)
        folder = layout.recordings / camera_id / day_of(name.start_ns)
        folder.mkdir(parents=True)
        (folder / name.file_name).write_bytes(bytes(1000))
    clock.advance(60)
    stores = cast(
        Stores, SimpleNamespace(objects=registries._records._objects, redis=registries._redis)
    )
    settings, ledger = (
        Settings(disk_limit_gb=1500 / 1e9, disk_reserve_gb=0),
        Ledger(layout.recordings),
    )
    spool, journal = Spool(layout, clock), Journal(layout.journal, clock)
    jobs = NodeJobs(settings, layout, stores, spool, journal, ledger, clock)
    claims = replace(jobs._claims(), others_bytes=lambda: 0)
    assert DiskQuota(ledger, settings, clock, claims).run_once() == 1000
    assert [segment.camera_id for segment in ledger.oldest_first()] == ["gate"]
