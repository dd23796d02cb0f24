"""The job that reads exports: restarts, claims, lost progress, and sources that do not respond."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from api.cameras.recording_files import RecordingFiles
from api.exports import export_job
from api.exports.export_job import RESTORE_EVERY_S, RETRY_AFTER_S, ExportJob
from api.exports.recording_reader import WAITS_FOR_SOURCES_NS
from domain.clock import NS_PER_S
from domain.people import Role
from storage.exports.records import ExportState
from tests.api.exports.export_site import START_NS, ExportSite, asked, open_export_site, unpacked

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite


@pytest.fixture(scope="module")
def module_exports(open_module_site: OpenSite) -> ExportSite:
    return open_export_site(open_module_site)


@pytest.fixture
def exports(module_exports: ExportSite) -> ExportSite:
    module_exports.restart()
    return module_exports


class StopsAfter(threading.Event):
    """Is set after it was asked a number of times, as a process stops in the middle of its work."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self._count = count

    def is_set(self) -> bool:
        self._count -= 1
        return self._count < 0


def another_job(exports: ExportSite) -> ExportJob:
    return ExportJob(exports.site.context, RecordingFiles(exports.site.context))


def test_a_job_continues_where_another_process_stopped(exports: ExportSite) -> None:
    for camera in ("east-gate", "west-gate"):
        exports.record(camera)
    ranges = [("east-gate", 1.0, 11.0), ("west-gate", 1.0, 11.0)]
    created = exports.create(asked(*ranges)).json()
    counts = iter(range(2, 200))
    while not (record := exports.site.context.exports.get(created["id"])).results:
        exports.job.run_once(StopsAfter(next(counts)))
    assert (len(record.results), record.state) == (1, ExportState.WAITING)
    before = record.results
    view = exports.read(created["id"])
    assert (view["state"], 0 < view["progress"] < 1) == ("reading", True)
    another_job(exports).run_once(exports.stop)
    made = exports.read(created["id"])
    assert (made["state"], made["progress"], made["file_count"]) == ("ready", None, 2)
    assert exports.site.context.exports.get(created["id"]).results[:1] == before
    unpacked(exports.download(made).content)


def test_one_process_reads_an_export_at_a_time(exports: ExportSite) -> None:
    exports.record("east-gate")
    created = exports.create(asked(("east-gate", 1, 11))).json()
    claim = exports.site.context.export_progress.claim(created["id"])
    assert claim.acquire()
    exports.job.run_once(exports.stop)
    assert exports.read(created["id"])["state"] == "waiting"
    claim.release()
    exports.job.run_once(exports.stop)
    assert exports.read(created["id"])["state"] == "ready"


def test_an_export_is_made_although_redis_lost_it(exports: ExportSite) -> None:
    exports.record("east-gate")
    created = exports.create(asked(("east-gate", 1, 11))).json()
    exports.job.run_once(StopsAfter(0))
    exports.site.redis.do("DEL", "{recording_exports}:waiting")
    exports.job.run_once(exports.stop)
    assert exports.read(created["id"])["state"] == "waiting"
    exports.clock.advance(RESTORE_EVERY_S)
    exports.job.run_once(exports.stop)
    assert exports.read(created["id"])["state"] == "ready"


def test_a_deleted_export_is_not_read(exports: ExportSite) -> None:
    exports.record("east-gate")
    created = exports.create(asked(("east-gate", 1, 11))).json()
    address = f"/v1/exports/{created['id']}"
    exports.site.get(address, Role.OPERATOR, method="DELETE")
    exports.site.context.export_progress.add([created["id"]])
    exports.job.run_once(exports.stop)
    assert exports.read(created["id"])["state"] == "deleted"
    assert exports.site.context.export_progress.waiting() == []


def test_a_node_that_does_not_respond_is_waited_for_and_then_named(exports: ExportSite) -> None:
    exports.record("east-gate")
    exports.site.hold("east-gate", "gone", "http://127.0.0.1:9")
    exports.site.hold("east-gate")
    created = exports.create(asked(("east-gate", 1, 14))).json()
    exports.job.run_once(exports.stop)
    assert exports.read(created["id"])["state"] == "waiting"
    exports.clock.advance(RETRY_AFTER_S)
    exports.clock.step(WAITS_FOR_SOURCES_NS / NS_PER_S)
    exports.job.run_once(exports.stop)
    made = exports.read(created["id"])
    assert (made["state"], made["offline"]) == ("ready", ["gone"])
    assert made["gaps"]


def test_what_cannot_be_exported_fails_with_a_sentence(
    exports: ExportSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    exports.record("east-gate")
    monkeypatch.setattr("api.exports.recording_reader.MOST_GAPS", 0)
    made = exports.made(("east-gate", 1, 20))
    assert (made["state"], "export it in shorter ranges" in made["why"]) == ("failed", True)


def test_a_range_that_has_just_ended_is_read_when_its_segments_are_finished(
    exports: ExportSite,
) -> None:
    start_ns = exports.clock.wall_ns() - 12 * NS_PER_S
    exports.record("east-gate", start_ns=start_ns)
    seconds = (start_ns - START_NS) / NS_PER_S
    created = exports.create(asked(("east-gate", seconds, seconds + 12))).json()
    exports.job.run_once(exports.stop)
    assert exports.read(created["id"])["state"] == "waiting"
    exports.clock.advance(export_job.SETTLED_NS / NS_PER_S)
    exports.job.run_once(exports.stop)
    assert exports.read(created["id"])["state"] == "ready"
