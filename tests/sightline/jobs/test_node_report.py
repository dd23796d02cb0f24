"""What a node reports of itself."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from domain.camera_states import CameraState, CameraStatus, Shed
from domain.clock import NS_PER_MS, SystemClock
from domain.paths.data_layout import Layout
from domain.registry import Camera
from domain.settings import Settings
from sightline.cluster.roster import Assigned, Roster, write_roster
from sightline.jobs.node_report import NodeReporter
from sightline.overload.load import write_load
from sightline.overload.shedding_policy import Load
from sightline.processes.status_file import status_file, write_statuses
from storage.clients.redis import Redis, connect
from storage.events.spool import Spool
from storage.recordings.disk_quota import Claims, DiskQuota
from storage.recordings.ledger import Ledger
from storage.site.node_reports import NodeReports
from tests.kept import make_event, make_passing

WAITS_SINCE_NS = 1_764_000_000_000 * NS_PER_MS


def camera(camera_id: str, class_: str = "A") -> Assigned:
    fields = {"name": camera_id, "area": "a", "url": "rtsp://10.0.0.1/"}
    place = {"location": {"lon": 0, "lat": 0}}
    return Assigned(
        camera=Camera.model_validate({"id": camera_id, "class": class_, **fields, **place}),
        fence=1,
    )


class Node:
    """The data folder of a node, and its reporter."""

    def __init__(self, folder: Path, redis: Redis) -> None:
        self.layout, self.clock = Layout(folder), SystemClock()
        self.settings = Settings(node="east", workers=2, disk_limit_gb=1, disk_reserve_gb=0.5)
        self.spool = Spool(self.layout, self.clock)
        self.quota = DiskQuota(
            Ledger(self.layout.recordings),
            self.settings,
            self.clock,
            Claims(others_bytes=lambda: 777),
        )
        self.reports = NodeReports(redis)
        self.reporter = NodeReporter(
            self.reports,
            self.spool,
            self.settings,
            self.layout,
            self.clock,
            lambda: self.quota.usage,
            lambda: WAITS_SINCE_NS,
        )


@pytest.fixture
def redis(valkey_server: str) -> Iterator[Redis]:
    client = connect(valkey_server)
    client.do("FLUSHALL")
    yield client
    client.close()


@pytest.fixture
def node(tmp_path: Path, redis: Redis) -> Node:
    return Node(tmp_path, redis)


def test_a_report_has_the_figures_of_the_node(node: Node) -> None:
    cameras = (camera("gate"), camera("bridge"), camera("shop", "C"))
    write_roster(node.layout, 0, Roster(cameras=cameras))
    write_roster(node.layout, 1, Roster())
    statuses = [
        CameraStatus("gate", CameraState.LIVE, 1, shed=Shed.ANALYTICS),
        CameraStatus("shop", CameraState.IDLE, 1),
    ]
    write_statuses(node.layout, 0, statuses)
    write_load(node.layout, "0", Load(processor=0.25), node.clock)
    node.spool.put(make_passing(make_event()))
    node.quota.run_once()
    report = node.reporter.report()
    assert report.version == version("sightline")
    assert report.cameras == {
        "A": {CameraState.LIVE: 1, CameraState.UNKNOWN: 1},
        "C": {CameraState.IDLE: 1},
    }
    assert report.shed == {Shed.ANALYTICS: 1}
    assert (report.load.processor, report.load.disk) == (0.25, 0.0)
    assert (report.workers.configured, report.workers.running) == (2, 1)
    assert (report.spool_events, report.upload_waits_since) == (1, WAITS_SINCE_NS)
    assert report.disk is not None
    assert (report.disk.recordings_bytes, report.disk.other_bytes) == (0, 777)
    assert (report.disk.limit_bytes, report.disk.reserve_bytes) == (10**9, 5 * 10**8)
    assert report.disk.free_bytes > 0


def test_a_worker_whose_states_are_old_does_not_run(node: Node) -> None:
    for worker in (0, 1):
        write_roster(node.layout, worker, Roster())
    write_statuses(node.layout, 0, [])
    write_statuses(node.layout, 1, [])
    os.utime(status_file(node.layout, 1), (0, 0))
    assert node.reporter.report().workers.running == 1


def test_before_the_first_measurement_the_figures_are_absent(node: Node) -> None:
    report = node.reporter.report()
    assert (report.disk, report.clock_offset_ms, report.cameras) == (None, None, {})


def test_each_report_has_the_clock_offset_of_the_one_before(node: Node) -> None:
    """Redis runs on this machine, so both clocks are one."""
    offsets = []
    for _ in range(2):
        node.reporter.run_once()
        (known,) = node.reports.all()
        assert known.report is not None
        offsets.append(known.report.clock_offset_ms)
    assert offsets[0] is None
    assert offsets[1] is not None
    assert abs(offsets[1]) < 60_000


def test_an_outage_of_redis_is_logged_and_the_job_continues(
    tmp_path: Path, redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    away = Node(tmp_path, connect("redis://127.0.0.1:1/0"))
    away.reporter.run_once()
    assert "cannot be published" in caplog.text
    assert NodeReports(redis).all() == ()
