"""Under overload the cameras of a worker lose evenly, and the less important ones first."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.clock import ManualClock
from domain.recordings.partly_analysed import PartlyAnalysed, PartlyCause
from domain.registry import Camera
from ingest.frames.admission import NotDecoded
from ingest.frames.analysis_losses import AnalysisLosses
from sightline.cameras.decode_share import (
    BEHIND_S,
    MIN_PART,
    RECENT_TICKS,
    STEP_S,
    TARGET_S,
    CameraShare,
    DecodeShare,
    PartController,
    part_of,
    split,
)
from tests.ingest.conftest import make_camera

GROUPS = 40


class Worker:
    """A worker whose looks have the mean delay `behind_s`."""

    def __init__(self) -> None:
        self.behind_s = 0.0
        self.clock = ManualClock()
        self.shares = DecodeShare(lambda: self.behind_s, self.clock)

    def share(self, camera_id: str, class_: str = "A") -> CameraShare:
        return self.shares.of(camera(camera_id, class_), AnalysisLosses())

    def run(self, seconds: int, behind_s: float) -> None:
        """Let time pass with this delay; each packet of a camera asks whether it is behind."""
        self.behind_s = behind_s
        for _ in range(seconds):
            self.clock.advance(STEP_S)
            self.shares.is_behind()


def camera(camera_id: str, class_: str = "A") -> Camera:
    made = make_camera("rtsp://10.0.0.1/1", camera_id=camera_id)
    return made.model_copy(update={"class_": class_, "checkpoint": ("plate",)})


@given(
    delays_s=st.lists(st.floats(0, 6), min_size=20, max_size=120),
    cameras=st.integers(2, 16),
    seed=st.integers(0, 1_000),
)
def test_no_camera_decodes_more_than_a_group_more_than_another(
    delays_s: list[float], cameras: int, seed: int
) -> None:
    """They ask in any order, for one group each second, while the delay of the worker varies."""
    worker, order = Worker(), Random(seed)
    shares = [worker.share(f"cam-{number}") for number in range(cameras)]
    admitted = [0] * cameras
    for delay_s in delays_s:
        worker.run(1, delay_s)
        for number in order.sample(range(cameras), cameras):
            admitted[number] += shares[number].admits()
        assert max(admitted) - min(admitted) <= 1


def test_a_worker_that_keeps_up_decodes_everything() -> None:
    worker = Worker()
    share = worker.share("cam")
    worker.run(60, BEHIND_S - 0.1)
    assert not share.is_behind
    assert not worker.shares.is_saving()
    assert all(share.admits() for _ in range(GROUPS))


def test_a_long_delay_lowers_the_part_step_by_step_and_a_short_one_raises_it() -> None:
    controller, parts = PartController(), [1.0]
    for step in range(1, 21):
        controller.update(2.0, step * STEP_S)
        controller.update(60.0, step * STEP_S + STEP_S / 2)
        parts.append(controller.part)
    assert parts == sorted(parts, reverse=True)
    assert 0.4 < parts[-1] < 0.8, "the second update of each step is ignored"
    controller.update(TARGET_S, 21 * STEP_S)
    low = controller.part
    controller.update(TARGET_S, 22 * STEP_S)
    assert controller.part == pytest.approx(low), "at the target it stays"


def test_it_decodes_everything_again_some_seconds_after_the_load_has_ended() -> None:
    worker = Worker()
    share = worker.share("cam")
    worker.run(120, 3.0)
    assert share.is_behind
    worker.run(1, 0.0)
    assert worker.shares.is_saving(), "its part is still low"
    worker.run(24, 0.0)
    assert not worker.shares.is_saving()
    assert not share.is_behind
    assert share.admits()


@given(part=st.floats(MIN_PART, 1), more=st.floats(0, 1), rank=st.integers(0, 4), ranks=st.just(5))
def test_parts_follow_the_total_and_importance_and_no_camera_is_left_out(
    part: float, more: float, rank: int, ranks: int
) -> None:
    own = part_of(part, rank, ranks)
    assert MIN_PART <= own <= part_of(min(1.0, part + more), rank, ranks) <= 1
    assert own <= part_of(part, rank + 1, ranks)
    assert part_of(part, 0, 1) == pytest.approx(part)


@pytest.mark.parametrize("seconds", [15, 30, 45])
def test_cameras_of_equal_importance_lose_equally_many_groups(seconds: int) -> None:
    worker = Worker()
    shares = [worker.share(f"cam-{at}") for at in range(7)]
    worker.run(seconds, 2.0)
    admitted = [sum(share.admits() for _ in range(GROUPS)) for share in shares]
    assert max(admitted) - min(admitted) <= 1
    assert sum(admitted) < 7 * GROUPS


def test_cameras_do_not_all_refuse_at_the_same_time() -> None:
    worker = Worker()
    shares = [worker.share(f"cam-{at}") for at in range(7)]
    worker.run(40, 2.0)
    for _ in range(GROUPS):
        assert 0 < sum(share.admits() for share in shares) < 7


def test_class_c_loses_before_class_b_and_class_b_before_class_a() -> None:
    worker = Worker()
    shares = {class_: worker.share(f"cam-{class_}", class_) for class_ in "ABC"}
    seen = []
    for seconds in (20, 20, 60):
        worker.run(seconds, TARGET_S + 0.8)
        taken = {c: sum(share.admits() for _ in range(GROUPS)) for c, share in shares.items()}
        assert taken["A"] >= taken["B"] >= taken["C"] > 0
        seen.append([taken[class_] == GROUPS for class_ in "ABC"])
    assert seen == [[True, True, False], [True, False, False], [False, False, False]]


def test_rests_of_groups_are_left_out_before_any_group_is() -> None:
    worker = Worker()
    share = worker.share("cam-a")
    assert not share.leaves_out_rests
    worker.run(4, 1.5)
    assert share.leaves_out_rests
    assert all(share.admits() for _ in range(GROUPS))
    left_out = sum(share.leaves_out_rest() for _ in range(GROUPS))
    assert 0 < left_out < GROUPS
    worker.run(40, 2.0)
    assert not all(share.admits() for _ in range(GROUPS))
    assert all(share.leaves_out_rest() for _ in range(GROUPS))


@given(part=st.floats(MIN_PART, 1), more=st.floats(0, 1))
def test_what_is_left_out_grows_as_the_part_falls(part: float, more: float) -> None:
    admitted, rests = split(part)
    more_admitted, fewer_rests = split(min(1.0, part + more))
    assert MIN_PART - 1e-9 <= admitted <= more_admitted <= 1.0
    assert 0.0 <= fewer_rests <= rests <= 1.0
    assert admitted == 1.0 or rests == 1.0


def test_a_class_that_is_alone_does_not_wait_for_others_to_lose() -> None:
    worker = Worker()
    share = worker.share("cam-a", "A")
    worker.share("cam-c", "C")
    worker.run(20, 2.0)
    assert all(share.admits() for _ in range(GROUPS))
    worker.shares.forget("cam-c")
    assert not all(share.admits() for _ in range(GROUPS))


def test_only_groups_with_motion_count_as_a_loss_of_the_analysis() -> None:
    losses = AnalysisLosses()
    share = Worker().shares.of(camera("cam-a"), losses)
    share.on_not_decoded(1, 5, 50, NotDecoded.OVERLOAD)
    share.on_not_decoded(5, 9, 50, NotDecoded.STILL)
    assert losses.take() == [PartlyAnalysed(1, 5, PartlyCause.OVERLOAD)]
    assert losses.take() == []


def test_the_recent_part_forgets_what_is_long_ago() -> None:
    worker = Worker()
    share = worker.share("cam-a")
    assert share.recent_part() == 1.0
    worker.run(200, 60.0)
    for _ in range(GROUPS):
        share.admits()
        share.tick()
    assert share.recent_part() == pytest.approx(MIN_PART, abs=0.05)
    for _ in range(RECENT_TICKS):
        share.tick()
    assert share.recent_part() == 1.0
