"""A node reports changes of what it did not analyse, and all of it after a loss of Redis."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.clock import NS_PER_DAY, NS_PER_MS, NS_PER_S, ManualClock
from domain.errors import IndexUnavailable
from domain.paths.data_layout import Layout
from domain.paths.object_keys import day_of, day_start_ns
from domain.recordings.analysis_metrics import GAP_LOGS_UNREADABLE
from domain.recordings.gaps import Gap, GapCause
from domain.recordings.missed_passings import MissedPassings, missed_starts
from domain.recordings.partly_analysed import Analysed, PartlyAnalysed, PartlyCause
from sightline.jobs.coverage_report import CoverageReporter
from storage.clients.redis import Redis, Word, connect
from storage.recordings.gaps.log import GapLog
from storage.recordings.gaps.site_coverage import KEPT_DAYS, NodeCoverage, SiteCoverage
from storage.recordings.gaps.unanalysed import UnanalysedRanges
from tests.ingest.conftest import make_camera

NOON_NS = 20_000 * NS_PER_DAY + NS_PER_DAY // 2
DAY = day_of(NOON_NS)


def at(seconds: float) -> int:
    return NOON_NS + round(seconds * NS_PER_S)


def overload(start_s: float, end_s: float) -> PartlyAnalysed:
    return PartlyAnalysed(at(start_s), at(end_s), PartlyCause.OVERLOAD)


class Node:
    """A node with the checkpoints `gate` and `shop`, and the camera `yard`."""

    def __init__(self, root: Path, redis: Redis) -> None:
        self.clock = ManualClock(at(100))
        self.layout = Layout(root)
        self.gaps, self.site = GapLog(self.layout, self.clock), SiteCoverage(redis)
        cameras = [
            make_camera("rtsp://10.0.0.1/1", camera_id=name).model_copy(
                update={"checkpoint": kinds}
            )
            for name, kinds in (("gate", ("plate",)), ("shop", ("plate",)), ("yard", ()))
        ]
        self.reporter = CoverageReporter(
            self.gaps, self.site, lambda: cameras, "node-1", self.clock
        )

    def reported(self) -> list[PartlyAnalysed]:
        self.reporter.run_once()
        found = self.site.day(DAY)
        assert set(found.cameras) <= {"gate", "shop"}
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


@pytest.mark.parametrize("is_earlier_first", [True, False])
def test_lines_near_midnight_change_both_days_also_if_one_was_reported(
    is_earlier_first: bool, node: Node
) -> None:
    """A group just before midnight that is too short for a range, and an outage just after it, in
    the log of the second day alone.
    """
    midnight_ns = day_start_ns(DAY)
    short = PartlyAnalysed(midnight_ns - 700 * NS_PER_MS, midnight_ns - 300 * NS_PER_MS, CAUSES[0])
    outage = Gap("gate", midnight_ns + 100 * NS_PER_MS, midnight_ns + 5 * NS_PER_S, DOWN)
    first = partial(node.gaps.add_partly_analysed, "gate", MissedPassings().add([short]))
    second = partial(node.gaps.add, outage)
    for write in (first, second) if is_earlier_first else (second, first):
        write()
        node.reported()
    before = node.site.day(day_of(midnight_ns - 1)).of("gate")
    found = [*before, *node.site.day(DAY).of("gate")]
    whole = missed_starts([short, PartlyAnalysed(outage.start_ns, outage.end_ns, CAUSES[0])])
    assert (found[0].start_ns, found[-1].end_ns) == (whole[0].start_ns, whole[-1].end_ns)


def test_a_line_of_the_day_before_changes_a_day_that_was_reported(node: Node) -> None:
    """Two times after midnight that are too short for a range each; the first is in the log of the
    day before.
    """
    midnight_ns = day_start_ns(DAY)
    first, second = (
        PartlyAnalysed(
            midnight_ns + from_ms * NS_PER_MS, midnight_ns + to_ms * NS_PER_MS, CAUSES[0]
        )
        for from_ms, to_ms in ((450, 940), (1_400, 1_890))
    )
    node.gaps.add_partly_analysed("gate", MissedPassings().add([second]))
    node.gaps.add_partly_analysed("gate", [overload(20, 30)])
    assert node.reported() == [overload(20, 30)]
    node.gaps.add_partly_analysed("gate", MissedPassings().add([first]))
    ((_, until_ns, _),) = missed_starts([first, second])
    expected = [PartlyAnalysed(midnight_ns, until_ns, CAUSES[0]), overload(20, 30)]
    assert node.reported() == expected
    assert list(_reporter(node.gaps)._last_day("gate", DAY)) == expected
    assert list(_reporter(node.gaps)._derive("gate", DAY)) == expected


CHECKPOINTS = frozenset({"gate", "shop"})


def test_a_node_has_reported_until_now_only_when_everything_is_put(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a search counts ranges that were not put as analysed."""
    node.gaps.add_partly_analysed("gate", [overload(20, 30)])

    def fail(*_: object) -> None:
        raise IndexUnavailable("Redis does not answer")

    with monkeypatch.context() as broken:
        broken.setattr(node.site, "put", fail)
        with pytest.raises(IndexUnavailable):
            node.reported()
        assert node.site.nodes() == [NodeCoverage(0, CHECKPOINTS)]
    node.reported()
    assert node.site.nodes() == [NodeCoverage(node.clock.wall_ns(), CHECKPOINTS)]


def test_a_log_that_cannot_be_read_makes_its_day_unknown_and_no_other_camera(node: Node) -> None:
    node.gaps.add_partly_analysed("gate", [overload(20, 30)])
    assert node.reported() == [overload(20, 30)]
    file = node.layout.gaps / "gate" / f"{DAY}.jsonl"
    lines = file.read_bytes()
    file.unlink()
    file.mkdir()  # reading it fails
    node.gaps.add_partly_analysed("shop", [overload(40, 50)])
    node.clock.advance(15)
    start_ns = day_start_ns(DAY)
    whole = PartlyAnalysed(start_ns, start_ns + NS_PER_DAY, PartlyCause.UNKNOWN)
    assert node.reported() == [whole]
    assert node.site.day(DAY).of("shop") == [overload(40, 50)]
    assert node.site.nodes() == [NodeCoverage(node.clock.wall_ns(), CHECKPOINTS)]
    assert GAP_LOGS_UNREADABLE._value.get() == 1
    before = node.site.days()
    node.reported()
    assert node.site.days() == before, "what is known already is not put again"
    file.rmdir()
    file.write_bytes(lines)
    assert node.reported() == [overload(20, 30)]
    assert GAP_LOGS_UNREADABLE._value.get() == 0


def test_a_camera_whose_logs_cannot_be_listed_is_known_until_they_could(
    node: Node, redis: Redis
) -> None:
    node.gaps.add_partly_analysed("gate", [overload(20, 30)])
    node.reported()
    known_ns = node.clock.wall_ns()
    folder = node.layout.gaps / "gate"
    folder.rename(folder.with_name("moved"))
    folder.touch()
    node.clock.advance(100)
    node.reported()
    now_ns = node.clock.wall_ns()
    of_others = NodeCoverage(now_ns, frozenset({"shop"}))
    assert node.site.nodes() == [of_others, NodeCoverage(known_ns, frozenset({"gate"}))]
    searched = UnanalysedRanges(node.site, node.clock).between({"gate", "shop"}, at(0), at(140))
    assert [(one.camera_id, one.ranges) for one in searched.cameras] == [
        ("gate", (overload(20, 30), PartlyAnalysed(known_ns, at(140), PartlyCause.RESTART)))
    ]
    redis.do("FLUSHALL")
    node.reported()
    assert node.site.nodes()[0] == of_others
    folder.unlink()
    folder.with_name("moved").rename(folder)
    assert node.reported() == [overload(20, 30)]
    assert node.site.nodes() == [NodeCoverage(now_ns, CHECKPOINTS)]


def test_files_that_are_no_logs_are_ignored(node: Node) -> None:
    node.gaps.add_partly_analysed("gate", [overload(20, 30)])
    (node.layout.gaps / "gate" / f"{DAY} (copy).jsonl").write_bytes(b"copied\n")
    assert node.reported() == [overload(20, 30)]


def test_a_node_that_redis_knows_is_introduced_once(
    node: Node, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = list[str]()
    do = redis.do

    def counted(*command: Word) -> object:
        commands.append(str(command[0]))
        return do(*command)

    monkeypatch.setattr(redis, "do", counted)
    for _ in range(3):
        node.reporter.run_once()
    assert commands.count("HSETNX") == 1


def test_ranges_that_redis_loses_while_they_are_put_are_put_again(
    node: Node, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.gaps.add_partly_analysed("gate", [overload(20, 30)])
    put = node.site.put

    def put_and_lose(*args: object) -> None:
        put(*args)  # type: ignore[arg-type]
        redis.do("FLUSHALL")

    with monkeypatch.context() as losing:
        losing.setattr(node.site, "put", put_and_lose)
        assert node.reported() == []
    assert node.reported() == [overload(20, 30)]


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


def test_the_last_gap_that_continues_is_known_after_midnight(node: Node) -> None:
    """It is logged again at the first check of the day; until then the day may have other lines."""
    node.gaps.open(Gap("gate", at(90), at(100), GapCause.CAMERA_DOWN))
    node.reported()
    node.clock.advance(NS_PER_DAY / NS_PER_S)
    following_ns = NOON_NS + NS_PER_DAY
    node.gaps.add_partly_analysed(
        "gate", [PartlyAnalysed(following_ns, following_ns + NS_PER_S, PartlyCause.OVERLOAD)]
    )
    node.reported()
    assert node.reporter._open == {"gate"}


def test_only_what_was_appended_is_read(
    node: Node, monkeypatch: pytest.MonkeyPatch, redis: Redis
) -> None:
    node.gaps.add_partly_analysed("gate", [overload(20, 30)])
    node.reported()

    def read_whole(*_: object) -> None:
        raise AssertionError("the whole log was read again")

    for name in ("between", "partly_analysed", "analysed_again", "left_open"):
        monkeypatch.setattr(node.gaps, name, read_whole)
    expected = [overload(20, 30)]
    for number in range(100):
        expected.append(overload(40 + 20 * number, 50 + 20 * number))
        node.gaps.add_partly_analysed("gate", expected[-1:])
        assert node.reported() == expected
    redis.do("FLUSHALL")
    assert node.reported() == expected


SPAN_S = 20_000
"""All lines are about a shorter time."""
CAUSES = [PartlyCause.OVERLOAD, PartlyCause.SETTLED, PartlyCause.ANALYSIS_STOPPED]
DOWN = GapCause.CAMERA_DOWN
GAP_CAUSES = [GapCause.CAMERA_DOWN, GapCause.RESTART, GapCause.DISK]
Change = tuple[str, int, float, int]


@st.composite
def changes(draw: st.DrawFn) -> list[Change]:
    """Lines that are appended to a log, mostly in the order of their times: what each is, when it
    begins, how long it lasts, and a number for its cause.
    """
    now, found = 0, list[Change]()
    for _ in range(draw(st.integers(1, 25))):
        what = draw(
            st.sampled_from(
                ["partly", "partly", "partly", "gap", "open", "again", "cut", "replace"]
            )
        )
        now += draw(st.integers(0, 200))
        back = draw(st.sampled_from([0, 0, 0, 0, 3, 400]))
        lasts_s = draw(st.sampled_from([0.2, 0.5, 0.7, 2.0, 30.0]))
        found.append((what, max(0, now - back), lasts_s, draw(st.integers(0, 2))))
    return found


@given(steps=changes(), first_s=st.sampled_from([1 - NS_PER_DAY // NS_PER_S // 2, 0]))
def test_appended_lines_give_the_same_as_the_whole_log(steps: list[Change], first_s: int) -> None:
    """Also at the start of a day, and if the file was cut or replaced."""
    with TemporaryDirectory() as folder:
        log = GapLog(Layout(Path(folder)), ManualClock(at(3 * SPAN_S)))
        log.beat("gate")
        file = Layout(Path(folder)).gaps / "gate" / f"{DAY}.jsonl"
        follower = _reporter(log)
        for what, after_s, lasts_s, number in steps:
            start_ns = at(first_s + after_s)
            end_ns = start_ns + round(lasts_s * NS_PER_S)
            if what == "partly":
                # A time of 0.5 s or less has a range that ends before it starts.
                log.add_partly_analysed(
                    "gate", MissedPassings().add([PartlyAnalysed(start_ns, end_ns, CAUSES[number])])
                )
            elif what == "again":
                log.add_analysed_again("gate", [Analysed(start_ns, end_ns)])
            elif what == "gap":
                log.add(Gap("gate", start_ns, end_ns, GAP_CAUSES[number]))
            elif what == "open":
                log.open(Gap("gate", start_ns, end_ns, GAP_CAUSES[number]))
            elif file.exists():
                lines = file.read_bytes().splitlines(keepends=True)
                if what == "replace":
                    file.unlink()
                file.write_bytes(b"".join(lines[: len(lines) // 2]))
            if file.exists():
                assert follower._last_day("gate", DAY) == _reporter(log)._last_day("gate", DAY)


def _reporter(log: GapLog) -> CoverageReporter:
    site = cast(SiteCoverage, None)
    return CoverageReporter(log, site, list, "node-1", ManualClock(at(3 * SPAN_S)))
