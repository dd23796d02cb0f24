"""Under overload the cameras of a worker lose evenly, and the less important ones first."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.clock import NS_PER_S, ManualClock
from domain.recordings.partly_analysed import PartlyAnalysed, PartlyCause
from domain.registry import Camera
from ingest.frames.admission import GroupWork, NotDecoded
from ingest.frames.analysis_losses import AnalysisLosses
from sightline.cameras.decode_share import (
    ADMIT_S,
    BEHIND_FOR_S,
    BEHIND_S,
    MIN_PART,
    RECENT_TICKS,
    REST_S,
    SHORT_REST_NS,
    SHORT_REST_S,
    CameraShare,
    DecodeShare,
)
from sightline.cameras.workload import FIRST_PACKET_S
from tests.ingest.conftest import make_camera
from tests.sightline.cameras.test_workload import Packets

GROUPS = 40
NOTHING = GroupWork(0, 0, 0.0)
"""A group without packets, so that only the work of the others decides."""


class Worker:
    """A worker whose packets take `FIRST_PACKET_S` each."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.shares = DecodeShare(self.clock)
        self.packets = Packets()
        self.shares.workload.add("others", self.packets)

    def share(self, camera_id: str, class_: str = "A") -> CameraShare:
        return self.shares.of(camera(camera_id, class_), AnalysisLosses())

    def wait_for(self, work_s: float) -> None:
        """Let packets wait that take so long together."""
        self.packets.waiting = round(work_s / FIRST_PACKET_S)
        self.clock.advance(0.1)
        self.shares.is_behind()


def camera(camera_id: str, class_: str = "A") -> Camera:
    made = make_camera("rtsp://10.0.0.1/1", camera_id=camera_id)
    return made.model_copy(update={"class_": class_, "checkpoint": ("plate",)})


def admitted_of(share: CameraShare, groups: int = GROUPS) -> int:
    return sum(share.admits(NOTHING) for _ in range(groups))


def test_a_worker_that_keeps_up_decodes_everything() -> None:
    worker = Worker()
    share = worker.share("cam")
    worker.wait_for(BEHIND_S - 0.05)
    assert not share.is_behind
    assert not worker.shares.is_saving()
    assert not share.leaves_out_rests
    assert admitted_of(share) == GROUPS


def test_rests_of_groups_are_left_out_before_any_group_is() -> None:
    worker = Worker()
    share = worker.share("cam")
    worker.wait_for(BEHIND_S + 0.05)
    assert share.is_behind
    assert worker.shares.is_saving()
    assert share.leaves_out_rests
    assert share.leaves_out_rest(SHORT_REST_NS)
    assert not share.leaves_out_rest(SHORT_REST_NS + 1), "another vehicle may come and go in it"
    worker.wait_for(REST_S + 0.05)
    assert share.leaves_out_rest(60 * NS_PER_S)
    assert admitted_of(share) == GROUPS
    worker.wait_for(ADMIT_S + 0.05)
    assert not share.admits(NOTHING)


def test_it_is_decided_by_the_work_at_that_moment() -> None:
    worker = Worker()
    share = worker.share("cam")
    worker.wait_for(60.0)
    assert not share.admits(NOTHING)
    worker.wait_for(0.0)
    assert share.admits(NOTHING)
    assert share.leaves_out_rests, "the worker was behind a moment ago"
    assert not share.leaves_out_rest(0)


def test_a_worker_is_behind_for_some_seconds_more() -> None:
    worker = Worker()
    share = worker.share("cam")
    worker.wait_for(1.0)
    worker.wait_for(0.0)
    assert share.is_behind
    worker.clock.advance(BEHIND_FOR_S)
    assert not share.is_behind


def test_a_group_is_admitted_by_the_work_when_it_ends() -> None:
    """Where packet sizes hide motion, all cameras ask at the first packet of a group."""
    worker = Worker()
    share = worker.share("cam")
    coming = 2 * ADMIT_S / FIRST_PACKET_S
    assert share.admits(GroupWork(10, round(coming), 2 * ADMIT_S)), "the worker keeps up with it"
    worker.packets.coming = round(coming)
    assert not share.admits(GroupWork(10, round(coming), 2 * ADMIT_S)), "and not with two of them"
    assert share.admits(GroupWork(10, round(coming), 6 * ADMIT_S)), "unless they take longer"
    worker.packets.coming = 0
    assert not share.admits(GroupWork(round(1.1 * ADMIT_S / FIRST_PACKET_S), 0, 0.0))


def test_a_share_counts_its_own_camera_while_that_is_analysed() -> None:
    worker = Worker()
    share = worker.share("cam")
    with share.counting(Packets(waiting=round(2 * ADMIT_S / FIRST_PACKET_S))):
        assert not share.admits(NOTHING)
    assert worker.shares.workload.waiting_s() == 0


@given(cameras=st.integers(2, 16), seed=st.integers(0, 1_000))
def test_cameras_of_equal_importance_lose_about_equally_many_groups(
    cameras: int, seed: int
) -> None:
    """They ask in any order, while the work of the worker changes at random."""
    worker, drawn = Worker(), Random(seed)
    shares = [worker.share(f"cam-{number}") for number in range(cameras)]
    admitted = [0] * cameras
    for _ in range(100):
        for number in drawn.sample(range(cameras), cameras):
            worker.packets.waiting = round(drawn.uniform(0, 2 * ADMIT_S) / FIRST_PACKET_S)
            admitted[number] += shares[number].admits(NOTHING)
    mean = sum(admitted) / cameras
    assert 30 < mean < 70
    assert max(abs(one - mean) for one in admitted) < 10


def test_a_camera_that_always_asks_at_the_worst_moment_is_not_left_out() -> None:
    worker = Worker()
    lucky, unlucky = worker.share("lucky"), worker.share("unlucky")
    for _ in range(GROUPS):
        worker.wait_for(0.8 * ADMIT_S)
        lucky.admits(NOTHING)
        worker.wait_for(1.2 * ADMIT_S)
        unlucky.admits(NOTHING)
    assert unlucky._counts[0] >= GROUPS / 4


def test_class_c_loses_before_class_b_and_class_b_before_class_a() -> None:
    worker = Worker()
    shares = {class_: worker.share(f"cam-{class_}", class_) for class_ in "ABC"}
    seen = []
    for part in (0.25, 0.5, 0.8, 1.2):
        worker.wait_for(part * ADMIT_S)
        seen.append([share.admits(NOTHING) for share in shares.values()])
    assert seen == [[True] * 3, [True, True, False], [True, False, False], [False] * 3]


def test_the_rests_of_class_c_are_left_out_first() -> None:
    worker = Worker()
    important, other = worker.share("cam-a", "A"), worker.share("cam-c", "C")
    for work_s, rest_ns in ((0.6 * SHORT_REST_S, 0), (0.6 * REST_S, 2 * SHORT_REST_NS)):
        worker.wait_for(work_s)
        assert other.leaves_out_rest(rest_ns)
        assert not important.leaves_out_rest(rest_ns)


def test_a_class_that_is_alone_is_as_important_as_can_be() -> None:
    worker = Worker()
    share = worker.share("cam-c", "C")
    worker.share("cam-a", "A")
    worker.wait_for(0.8 * ADMIT_S)
    assert not share.admits(NOTHING)
    worker.shares.forget("cam-a")
    assert share.admits(NOTHING)


def test_no_class_is_left_out_while_the_worker_keeps_up_with_the_others() -> None:
    worker = Worker()
    worker.share("cam-a", "A")
    share = worker.share("cam-c", "C")
    worker.wait_for(0.8 * ADMIT_S)
    assert 0.5 * MIN_PART < admitted_of(share, 200) / 200 < 2 * MIN_PART


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
    worker.wait_for(60.0)
    for _ in range(GROUPS):
        share.admits(NOTHING)
        share.tick()
    assert share.recent_part() == pytest.approx(0.0)
    for _ in range(RECENT_TICKS):
        share.tick()
    assert share.recent_part() == 1.0
