"""A search knows what its cameras may have missed: sums of all of it, and the longest ranges."""

from __future__ import annotations

import random

import pytest

from domain.clock import NS_PER_DAY, NS_PER_HOUR, NS_PER_S, S_PER_DAY, ManualClock
from domain.paths.object_keys import day_of
from domain.recordings.partly_analysed import PartlyAnalysed, PartlyCause
from storage.clients.redis import Redis
from storage.recordings.gaps.site_coverage import (
    CAUSES,
    DAYS,
    KEPT_DAYS,
    NodeCoverage,
    SiteCoverage,
    cause_of,
)
from storage.recordings.gaps.unanalysed import (
    FRESH_S,
    MOST_CAMERAS,
    MOST_RANGES,
    SETTLED_NS,
    SILENT_NS,
    UnanalysedRanges,
)

NOON_NS = 20_000 * NS_PER_DAY + NS_PER_DAY // 2
OVERLOAD = PartlyCause.OVERLOAD


def lost(start_s: float, end_s: float, cause: PartlyCause = OVERLOAD) -> PartlyAnalysed:
    return PartlyAnalysed(
        NOON_NS + round(start_s * NS_PER_S), NOON_NS + round(end_s * NS_PER_S), cause
    )


class Searches:
    """What nodes put, and what the API reads an hour after noon."""

    def __init__(self, redis: Redis) -> None:
        self.clock = ManualClock(NOON_NS + NS_PER_HOUR)
        self.coverage = SiteCoverage(redis)
        self.ranges = UnanalysedRanges(self.coverage, self.clock)

    def put(self, camera_id: str, *ranges: PartlyAnalysed, node: str = "n1") -> None:
        by_day: dict[str, list[PartlyAnalysed]] = {}
        for one in ranges:
            by_day.setdefault(day_of(one.start_ns), []).append(one)
        for day, found in by_day.items():
            self.coverage.put(node, day, {camera_id: found})
        self.clock.advance(FRESH_S)

    def report(self, node: str, until_ns: int, *cameras: str) -> None:
        self.coverage.introduce(node, cameras)
        assert self.coverage.report(node, NodeCoverage(until_ns, frozenset(cameras)))

    def seconds(self, cameras: set[str], from_s: float, to_s: float) -> dict[str, float]:
        span = NOON_NS + round(from_s * NS_PER_S), NOON_NS + round(to_s * NS_PER_S)
        found = self.ranges.between(cameras, *span)
        assert found.total_ns == sum(one.total_ns for one in found.cameras)
        return {one.camera_id: one.total_ns / NS_PER_S for one in found.cameras}


@pytest.fixture
def searches(redis: Redis) -> Searches:
    return Searches(redis)


def test_only_the_cameras_and_the_time_of_the_search_count(searches: Searches) -> None:
    searches.put("gate", lost(10, 20), lost(30, 35, PartlyCause.CAMERA_DOWN))
    searches.put("shop", lost(12, 14))
    searches.put("yard", lost(12, 14))
    assert searches.seconds({"gate", "shop", "other"}, 0, 100) == {"gate": 15, "shop": 2}
    assert searches.seconds({"gate"}, 15, 32) == {"gate": 7}
    assert searches.seconds({"gate"}, 40, 100) == {}
    assert searches.seconds(set(), 0, 100) == {}
    found = searches.ranges.between({"gate"}, NOON_NS, NOON_NS + 100 * NS_PER_S)
    assert found.cameras[0].ranges == (lost(10, 20), lost(30, 35, PartlyCause.CAMERA_DOWN))


def test_a_change_replaces_the_ranges_of_its_camera_and_day(searches: Searches) -> None:
    yesterday = lost(-NS_PER_DAY // NS_PER_S, 10 - NS_PER_DAY // NS_PER_S)
    searches.put("gate", lost(10, 20), yesterday)
    assert searches.seconds({"gate"}, -200_000, 100) == {"gate": 20}
    searches.coverage.put("n1", day_of(NOON_NS), {"gate": []})
    assert searches.seconds({"gate"}, -200_000, 100) == {"gate": 20}, "for two seconds"
    searches.clock.advance(FRESH_S)
    assert searches.seconds({"gate"}, -200_000, 100) == {"gate": 10}


def test_every_cause_is_stored_and_one_of_a_newer_version_is_unknown(searches: Searches) -> None:
    ranges = [lost(2 * at, 2 * at + 1, cause) for at, cause in enumerate(PartlyCause)]
    searches.put("gate", *ranges)
    (found,) = searches.ranges.between({"gate"}, NOON_NS, NOON_NS + NS_PER_HOUR).cameras
    assert found.ranges == tuple(ranges)
    assert cause_of(len(CAUSES)) is PartlyCause.UNKNOWN


def test_two_nodes_that_report_the_same_time_count_once(searches: Searches) -> None:
    searches.put("gate", lost(10, 20))
    searches.put("gate", lost(15, 25), node="n2")
    assert searches.seconds({"gate"}, 0, 100) == {"gate": 15}


def test_an_answer_is_bounded_and_its_sums_are_of_everything(searches: Searches) -> None:
    chance = random.Random(1)
    cameras = {f"cam-{number:02}" for number in range(MOST_CAMERAS + 10)}
    total_s = 0.0
    for camera_id in sorted(cameras):
        lengths_s = [chance.randint(1, 4) for _ in range(MOST_RANGES + 15)]
        total_s += sum(lengths_s)
        ranges = [lost(5 * at, 5 * at + length_s) for at, length_s in enumerate(lengths_s)]
        searches.put(camera_id, *ranges)
    found = searches.ranges.between(cameras, NOON_NS, NOON_NS + NS_PER_HOUR)
    assert (found.camera_count, found.total_ns / NS_PER_S) == (len(cameras), total_s)
    assert len(found.cameras) == MOST_CAMERAS
    totals_ns = [one.total_ns for one in found.cameras]
    assert totals_ns == sorted(totals_ns, reverse=True)
    for one in found.cameras:
        assert one.is_summary
        assert len(one.ranges) == MOST_RANGES
        assert list(one.ranges) == sorted(one.ranges)


def test_a_camera_of_a_node_that_fell_silent_is_not_analysed(searches: Searches) -> None:
    now_ns = searches.clock.wall_ns()
    searches.report("n1", now_ns - 20 * 60 * NS_PER_S, "gate", "shop", "yard")
    searches.report("n2", now_ns, "shop")
    found = searches.ranges.between({"gate", "shop"}, NOON_NS, now_ns)
    (gate,) = found.cameras
    assert gate.camera_id == "gate"
    begins_ns, ends_ns, cause = gate.ranges[0]
    assert (begins_ns, cause) == (now_ns - 20 * 60 * NS_PER_S, PartlyCause.RESTART)
    assert ends_ns == now_ns - SETTLED_NS
    searches.report("n1", now_ns - SILENT_NS, "gate")
    searches.clock.advance(FRESH_S - 2)
    assert searches.ranges.between({"shop"}, NOON_NS, now_ns).cameras == ()


def test_expired_days_are_forgotten(searches: Searches, redis: Redis) -> None:
    searches.put("gate", lost(10, 20))
    day = day_of(NOON_NS)
    assert 0 < int(str(redis.do("TTL", f"{{coverage}}:{day}"))) <= KEPT_DAYS * 86_400
    searches.coverage.forget_before(day_of(NOON_NS + NS_PER_DAY))
    assert searches.coverage.days() == {}
    assert redis.do("EXISTS", DAYS, f"{{coverage}}:{day}") == 0


def _days_ago(days: int) -> PartlyAnalysed:
    return lost(-days * S_PER_DAY, 10 - days * S_PER_DAY)


def test_the_ranges_in_memory_are_bounded_and_dropped_days_are_read_again(
    searches: Searches,
) -> None:
    searches.put("gate", *(_days_ago(days) for days in range(6)))
    ranges = searches.ranges = UnanalysedRanges(searches.coverage, searches.clock, most_held=3)
    for _ in range(2):
        assert searches.seconds({"gate"}, -6 * S_PER_DAY, 100) == {"gate": 60}
        assert ranges.held_ranges == 3
    assert searches.seconds({"gate"}, 0, 100) == {"gate": 10}
    assert searches.seconds({"gate"}, -5 * S_PER_DAY, 10 - 5 * S_PER_DAY) == {"gate": 10}
    assert ranges.held_ranges == 3


def test_the_ranges_of_expired_days_leave_the_memory(searches: Searches) -> None:
    searches.put("gate", _days_ago(0), _days_ago(1))
    assert searches.seconds({"gate"}, -6 * S_PER_DAY, 100) == {"gate": 20}
    searches.coverage.forget_before(day_of(NOON_NS))
    searches.clock.advance(FRESH_S)
    assert searches.seconds({"gate"}, -6 * S_PER_DAY, 100) == {"gate": 10}
    assert searches.ranges.held_ranges == 1
