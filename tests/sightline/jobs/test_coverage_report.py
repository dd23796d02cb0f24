"""A node reports changes of what it did not analyse, and all of it after a loss of Redis."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.clock import NS_PER_DAY, NS_PER_S, ManualClock
from domain.paths.data_layout import Layout
from domain.paths.object_keys import day_of, day_start_ns
from domain.recordings.gaps import Gap, GapCause
from domain.recordings.missed_passings import missed_starts
from domain.recordings.partly_analysed import Analysed, PartlyAnalysed, PartlyCause
from sightline.jobs.coverage_report import CoverageReporter
from storage.clients.redis import Redis, connect
from storage.recordings.gaps.log import GapLog
from storage.recordings.gaps.site_coverage import KEPT_DAYS, SiteCoverage
from tests.ingest.conftest import make_camera

NOON_NS = 20_000 * NS_PER_DAY + NS_PER_DAY // 2
DAY = day_of(NOON_NS)


def at(seconds: float) -> int:
    return NOON_NS + round(seconds * NS_PER_S)


def overload(start_s: float, end_s: float) -> PartlyAnalysed:
    return PartlyAnalysed(at(start_s), at(end_s), PartlyCause.OVERLOAD)


class Node:
    """A node with the checkpoint `gate` and the camera `yard`."""

    def __init__(self, root: Path, redis: Redis) -> None:
        self.clock = ManualClock(at(100))
        self.gaps, self.site = GapLog(Layout(root), self.clock), SiteCoverage(redis)
        cameras = [
            make_camera("rtsp://10.0.0.1/1", camera_id=name).model_copy(
                update={"checkpoint": kinds}
            )
            for name, kinds in (("gate", ("plate",)), ("yard", ()))
        ]
        self.reporter = CoverageReporter(
            self.gaps, self.site, lambda: cameras, "node-1", self.clock
        )

    def reported(self) -> list[PartlyAnalysed]:
        self.reporter.run_once()
        found = self.site.day(DAY)
        assert set(found.cameras) <= {"gate"}
        return found.of("gate")


@pytest.fixture
def redis(valkey_server: str) -> Iterator[Redis]:
    client = connect(valkey_server)
    client.do("FLUSHALL")
    yield client
    client.close()


@pytest.fixture
def node(tmp_path: Path, redis: Redis) -> Node:
    return Node(tmp_path, redis)


def test_losses_and_gaps_that_limit_the_analysis_are_reported(node: Node) -> None:
    node.gaps.add(Gap("gate", at(0), at(10), GapCause.CAMERA_DOWN))
    node.gaps.add(Gap("gate", at(12), at(14), GapCause.DISK))
    node.gaps.add_partly_analysed("gate", [overload(20, 30)])
    node.gaps.add_partly_analysed("yard", [overload(20, 30)])
    down = PartlyAnalysed(at(-0.5), at(9), PartlyCause.CAMERA_DOWN)
    assert node.reported() == [down, overload(20, 30)]
    node.gaps.add_analysed_again("gate", [Analysed(at(20), at(28))])
    assert node.reported() == [down, overload(28, 30)]


def test_groups_before_midnight_and_an_outage_after_it_are_one_range(node: Node) -> None:
    midnight_ns = day_start_ns(DAY)
    last_ns = midnight_ns + NS_PER_S
    group = PartlyAnalysed(midnight_ns - 3 * NS_PER_S, last_ns, PartlyCause.OVERLOAD)
    node.gaps.add_partly_analysed("gate", missed_starts([group]))
    node.gaps.add(Gap("gate", last_ns, last_ns + 5 * NS_PER_S, GapCause.CAMERA_DOWN))
    found = node.reported()
    assert (found[0].start_ns, found[-1].end_ns) == (midnight_ns, midnight_ns + 5 * NS_PER_S)
    assert [before.end_ns for before in found[:-1]] == [after.start_ns for after in found[1:]]


def test_what_has_not_changed_is_not_put_again(node: Node) -> None:
    node.gaps.add_partly_analysed("gate", [overload(20, 30)])
    node.reported()
    before = node.site.days()
    node.reported()
    assert node.site.days() == before
    node.gaps.add_partly_analysed("gate", [overload(40, 50)])
    assert node.reported() == [overload(20, 30), overload(40, 50)]
    assert node.site.days() != before


def test_a_gap_that_continues_grows_in_the_report(node: Node) -> None:
    node.gaps.open(Gap("gate", at(90), at(100), GapCause.CAMERA_DOWN))
    node.gaps.beat("gate")
    assert [one.end_ns for one in node.reported()] == [at(99)]
    node.clock.advance(30)
    node.gaps.beat("gate")
    assert [one.end_ns for one in node.reported()] == [at(129)]
    node.gaps.add(Gap("gate", at(90), at(131), GapCause.CAMERA_DOWN))
    assert [one.end_ns for one in node.reported()] == [at(130)]


def test_days_that_have_expired_are_forgotten_once_a_day(node: Node) -> None:
    old = day_of(NOON_NS - (KEPT_DAYS + 1) * NS_PER_DAY)
    node.site.put("node-1", old, {"gate": [overload(20, 30)]})
    node.reported()
    assert old not in node.site.days()


def test_after_a_loss_of_redis_everything_is_reported_again(node: Node, redis: Redis) -> None:
    node.gaps.add_partly_analysed("gate", [overload(20, 30)])
    before = node.reported()
    redis.do("FLUSHALL")
    assert node.site.day(DAY).cameras == []
    assert node.reported() == before
