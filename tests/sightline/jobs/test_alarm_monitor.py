from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from domain.alarms import AlarmName
from domain.camera_states import CameraState, CameraStatus
from domain.clock import ManualClock
from domain.errors import IndexUnavailable, ObjectsUnavailable
from domain.messages.message import Message
from domain.registry import Camera
from domain.settings import Settings
from sightline.jobs.alarm_monitor import (
    CHECK_EVERY_S,
    DOWN_S,
    OUTAGE_S,
    STEP_ALARM_S,
    STOPPED_S,
    AlarmMonitor,
)
from storage.clients.redis import Redis, connect
from storage.clients.s3 import ObjectStore
from storage.events.damaged_objects import STANDS_FOR_MS, DamagedObjects
from storage.site.alarms import Alarms
from storage.site.site_identity import SiteFaults
from tests.unwritable import unwritable


class AwayRedis:
    """A Redis that responds or does not."""

    away = False

    def ping(self) -> None:
        if self.away:
            raise IndexUnavailable("Redis: refused")

    def do(self, *words: object) -> list[bytes]:
        self.ping()
        return []


class AwayObjects:
    away = False

    def ping(self) -> None:
        if self.away:
            raise ObjectsUnavailable("the object store cannot be reached")


class Site:
    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock()
        self.alarms = Alarms("node-1", folder / "alarms.json", self.clock)
        self.redis, self.objects = AwayRedis(), AwayObjects()
        self.cameras = [
            _camera("gate"),
            _camera("shop", "C", record="on_demand"),
            _camera("old", enabled=False),
        ]
        self.statuses: list[CameraStatus] = []
        stores = cast(Redis, self.redis), cast(ObjectStore, self.objects)
        self.watch = AlarmMonitor(
            self.alarms,
            stores,
            lambda: self.cameras,
            lambda: self.statuses,
            self.clock,
            Settings(upload_late_h=1),
            folder,
        )

    def look(self, after_s: float = CHECK_EVERY_S) -> dict[str, str]:
        self.clock.advance(after_s)
        self.watch.run_once()
        return {alarm.name: alarm.sentence for alarm in self.alarms.active()}


def _camera(camera_id: str, class_: str = "A", **keys: object) -> Camera:
    place = {
        "name": camera_id,
        "area": "a",
        "location": {"lon": 0, "lat": 0},
        "url": "rtsp://10.0.0.1/",
    }
    return Camera.model_validate({"id": camera_id, "class": class_, **place, **keys})


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_missed_passings_raise_an_alarm_that_says_how_many_checkpoints_are_too_many(
    site: Site,
) -> None:
    live = CameraState.LIVE
    site.cameras = [_camera(f"gate-{at}", checkpoint=["plate"]) for at in range(10)]
    site.statuses = [CameraStatus(camera.id, live, 0) for camera in site.cameras]
    assert site.look() == {}
    for at, status in enumerate(site.statuses):
        status.analysed_part = 0.7 if at else 0.95
    sentence = site.look()[AlarmName.ANALYSIS_OVERLOADED]
    assert sentence.startswith(
        "this node can analyse 7 checkpoint cameras with the traffic of now; it has 10, and misses "
        "passings, most at gate-1, gate-2,"
    )
    site.statuses = [CameraStatus(camera.id, live, 0) for camera in site.cameras]
    assert site.look() == {}


def test_an_analysis_that_stays_stopped_raises_an_alarm(site: Site) -> None:
    stopped = CameraStatus("gate", CameraState.LIVE, 0, analysis_stopped_ns=site.clock.wall_ns())
    site.statuses = [stopped, CameraStatus("shop", CameraState.LIVE, 0)]
    assert site.look(STOPPED_S - 1) == {}
    assert site.look() == {
        AlarmName.ANALYSIS_STOPPED: "the analysis of 1 checkpoint cameras does not respond or "
        "fails, so their passings are missed: gate; read the log of the node, and restart the node "
        "when a short gap in its recordings is acceptable"
    }
    stopped.analysis_stopped_ns = 0
    assert site.look() == {}


def test_cameras_that_stay_down_raise_an_alarm_after_a_while(site: Site) -> None:
    since_ns = site.clock.wall_ns()
    site.statuses = [
        CameraStatus(id_, CameraState.UNREACHABLE, since_ns) for id_ in ("gate", "shop", "old")
    ]
    assert site.look(DOWN_S - 1) == {}
    assert site.look() == {
        AlarmName.CAMERAS_DOWN: "1 of 1 cameras have delivered no video for 3 minutes or more: "
        "gate "
        "(unreachable)",
    }
    site.statuses = [CameraStatus("gate", CameraState.LIVE, site.clock.wall_ns())]
    assert site.look() == {}


def test_a_folder_that_is_not_writable_raises_an_alarm_immediately(
    site: Site, tmp_path: Path
) -> None:
    with unwritable(tmp_path):
        assert (
            "Read-only" in (said := site.look()[AlarmName.DISK_UNWRITABLE]) or "Permission" in said
        )
    assert site.look() == {}


def test_each_unavailable_store_raises_its_own_alarm(site: Site) -> None:
    site.objects.away = site.redis.away = True
    assert site.look() == {}
    assert set(site.look(OUTAGE_S)) == {AlarmName.STORE_UNREACHABLE, AlarmName.INDEX_UNREACHABLE}
    site.objects.away = False
    assert set(site.look()) == {AlarmName.INDEX_UNREACHABLE}
    site.redis.away = False
    assert site.look() == {}
    site.objects.away = True
    assert site.look() == {}


def test_late_uploads_raise_an_alarm(site: Site) -> None:
    oldest_ns = site.clock.wall_ns()
    site.watch.oldest_waiting_ns = lambda: oldest_ns
    assert site.look(3599) == {}
    assert "waited 1 h" in site.look(1)[AlarmName.UPLOADS_BEHIND]
    site.watch.oldest_waiting_ns = lambda: None
    assert site.look() == {}


@pytest.mark.parametrize(
    ("step_s", "said"), [(3600, "forward by 3600 s"), (-3600, "back by 3600 s")]
)
def test_a_clock_step_raises_an_alarm_for_a_while(site: Site, step_s: int, said: str) -> None:
    assert site.look() == {}
    site.clock.step(step_s)
    assert said in site.look()[AlarmName.CLOCK_STEPPED]
    assert said in site.look()[AlarmName.CLOCK_STEPPED]
    assert site.look(STEP_ALARM_S) == {}


def test_a_damaged_file_is_an_alarm_until_it_is_whole_or_a_week_has_passed(
    valkey_server: str, site: Site, tmp_path: Path
) -> None:
    redis = connect(valkey_server)
    redis.do("FLUSHALL")
    stores = redis, cast(ObjectStore, site.objects)
    site.watch = AlarmMonitor(site.alarms, stores, list, list, site.clock, Settings(), tmp_path)
    damaged = DamagedObjects(redis, site.clock)
    assert site.look() == {}
    assert [damaged.add("events/a/clip.mp4"), damaged.add("events/a/clip.mp4")] == [True, False]
    site.clock.advance(1)
    damaged.add("events/b/crop.jpg")
    (sentence,) = site.look().values()
    assert sentence.startswith("2 files of events or fragments of recordings")
    assert "events/b/crop.jpg" in sentence
    damaged.remove("events/b/crop.jpg")
    assert "events/a/clip.mp4" in site.look()[AlarmName.EVIDENCE_DAMAGED]
    assert site.look(STANDS_FOR_MS / 1000) == {}
    redis.close()


def test_what_the_stores_lost_is_an_alarm_until_it_is_back(site: Site) -> None:
    site.watch.site_faults = lambda: SiteFaults(
        Message("Redis was emptied"), Message("the store is another")
    )
    assert site.look() == {
        AlarmName.INDEX_EMPTIED: "Redis was emptied",
        AlarmName.STORE_LOST: "the store is another",
    }

    def away() -> SiteFaults:
        raise ObjectsUnavailable("no answer")

    site.watch.site_faults = away
    assert set(site.look()) == {AlarmName.INDEX_EMPTIED, AlarmName.STORE_LOST}, "not known better"
    site.watch.site_faults = SiteFaults
    assert site.look() == {}


def test_an_audit_log_that_is_nearly_full_is_an_alarm(tmp_path: Path) -> None:
    site, said = Site(tmp_path), [Message("nearly full")]
    site.watch.audit_alarm = lambda: said[0] if said else None
    assert site.look()[AlarmName.AUDIT_FULL] == "nearly full"
    said.clear()
    assert AlarmName.AUDIT_FULL not in site.look()
