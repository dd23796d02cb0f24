"""At night the ranges that live analysis left out are analysed once, of checkpoints only."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from domain.clock import NS_PER_DAY, NS_PER_HOUR, NS_PER_S, ManualClock
from domain.errors import BadInput, StoreError
from domain.paths.data_layout import Layout
from domain.paths.object_keys import day_of
from domain.recordings.partly_analysed import Analysed, PartlyAnalysed, PartlyCause
from sightline.reanalysis.analysis_ranges import LEAST_NS
from sightline.reanalysis.reanalysis_plan import (
    LOOK_BACK_NS,
    CameraRanges,
    ReanalysisPlan,
    is_within,
    parse_hours,
)
from storage.clients.s3 import ObjectStore
from storage.recordings.gaps.log import GapLog
from storage.recordings.gaps.stored import StoredGaps
from tests.ingest.conftest import make_camera

if TYPE_CHECKING:
    from tests.conftest import S3Config

NOW_NS = 20_000 * NS_PER_DAY
CAUSE = PartlyCause.SETTLED
_bucket = itertools.count()


class Night:
    """A node with the checkpoints `gate` and `shop`, and the camera `yard`."""

    def __init__(self, root: Path, objects: ObjectStore) -> None:
        self.clock = ManualClock(NOW_NS)
        self.layout = Layout(root)
        self.gaps = GapLog(self.layout, self.clock)
        self.is_night = True
        self.done: list[tuple[str, tuple[int, int]]] = []
        cameras = [
            make_camera("rtsp://10.0.0.1/1", camera_id=name).model_copy(
                update={"checkpoint": kinds}
            )
            for name, kinds in (("gate", ("plate",)), ("shop", ("face",)), ("yard", ()))
        ]
        self.analysis = ReanalysisPlan(
            lambda: cameras, self.gaps, StoredGaps(objects), lambda: self.is_night, self.clock
        )

    def lose(self, camera_id: str, ago_ns: int, length_s: int = 10) -> PartlyAnalysed:
        start_ns = NOW_NS - ago_ns
        lost = PartlyAnalysed(start_ns, start_ns + length_s * NS_PER_S, PartlyCause.OVERLOAD)
        self.gaps.add_partly_analysed(camera_id, [lost])
        return lost

    def run(self, analyse: Callable[[CameraRanges], None] | None = None) -> int:
        def note(one: CameraRanges) -> None:
            self.done += [(one.camera.id, part) for part in one.ranges]

        return self.analysis.run_once(analyse or note)


@pytest.fixture
def night(tmp_path: Path, s3_server: S3Config) -> Night:
    bucket = f"night-{next(_bucket)}"
    objects = ObjectStore(s3_server.endpoint, s3_server.access_key, s3_server.secret_key, bucket)
    objects.ensure_bucket()
    return Night(tmp_path, objects)


def test_a_gap_log_that_cannot_be_read_delays_no_other_camera(
    night: Night, caplog: pytest.LogCaptureFixture
) -> None:
    lost = night.lose("shop", NS_PER_HOUR)
    (night.layout.gaps / "gate" / f"{day_of(lost.start_ns)}.jsonl").mkdir(parents=True)
    night.run()
    assert night.done == [("shop", (lost.start_ns, lost.end_ns))]
    assert any("gate: a gap log cannot be read" in line for line in caplog.messages)


def test_ranges_that_two_processes_logged_are_one_if_their_times_adjoin(night: Night) -> None:
    """The first hung and was killed. The second one logged the time after it by itself."""
    first = night.lose("gate", NS_PER_HOUR)
    rest = PartlyAnalysed(
        first.end_ns + NS_PER_S // 2, first.end_ns + 5 * NS_PER_S, PartlyCause.RESTART
    )
    night.gaps.add_partly_analysed("gate", [rest])
    night.run()
    assert night.done == [("gate", (first.start_ns, rest.end_ns))]


def test_a_short_range_is_analysed_unless_it_is_left_at_the_edge_of_an_analysed_one(
    night: Night,
) -> None:
    short = PartlyAnalysed(NOW_NS - NS_PER_HOUR, NOW_NS - NS_PER_HOUR + LEAST_NS // 2, CAUSE)
    night.gaps.add_partly_analysed("gate", [short])
    long = night.lose("gate", 2 * NS_PER_HOUR)
    analysed = Analysed(long.start_ns + LEAST_NS // 2, long.end_ns)
    night.gaps.add_analysed_again("gate", [analysed])
    night.run()
    assert night.done == [("gate", short[:2])]


def test_what_was_left_out_by_day_is_analysed_once(night: Night) -> None:
    gate, shop = night.lose("gate", 9 * NS_PER_HOUR), night.lose("shop", 30 * NS_PER_HOUR)
    night.lose("yard", 9 * NS_PER_HOUR)
    night.lose("gate", LOOK_BACK_NS + NS_PER_HOUR)
    assert night.run() == 2
    assert night.done == [("gate", gate[:2]), ("shop", shop[:2])]
    assert night.run() == 0, "a range without a readable recording is not tried again"


def test_what_was_analysed_meanwhile_is_left_out(night: Night) -> None:
    lost = night.lose("gate", 9 * NS_PER_HOUR)
    night.gaps.add_analysed_again("gate", [Analysed(*lost[:2])])
    assert night.run() == 0


def test_by_day_nothing_is_analysed_and_a_failed_range_is_tried_again(night: Night) -> None:
    night.lose("gate", 9 * NS_PER_HOUR)
    night.is_night = False
    assert night.run() == 0
    night.is_night = True

    def fail(_: CameraRanges) -> None:
        raise StoreError("the store is down")

    with pytest.raises(StoreError):
        night.run(fail)
    assert night.run() == 1


@pytest.mark.parametrize(
    ("text", "utc_hour", "is_night"),
    [
        ("01:00-05:00", 17, True),
        ("01:00-05:00", 16.9, False),
        ("01:00-05:00", 21, False),
        ("22:30-04:00", 14.6, True),
        ("22:30-04:00", 19.9, True),
        ("22:30-04:00", 20, False),
        ("22:30-04:00", 10, False),
    ],
)
def test_the_hours_are_of_the_city(text: str, utc_hour: float, is_night: bool) -> None:
    wall_ns = NOW_NS + round(utc_hour * NS_PER_HOUR)
    assert is_within(parse_hours(text), "Asia/Shanghai", wall_ns) is is_night


@pytest.mark.parametrize("text", ["", "1-5", "01:00", "05:00-05:00", "25:00-26:00"])
def test_other_hours_are_refused(text: str) -> None:
    with pytest.raises(BadInput, match=r"01:00-05:00|no length"):
        parse_hours(text)
