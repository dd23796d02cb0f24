"""The rest of a group of pictures is left out once everything in view is settled."""

from __future__ import annotations

from typing import cast

import pytest

from domain.clock import ManualClock
from domain.events.analyser import Analyser
from domain.events.event import Passing
from ingest.frames.analysis_losses import AnalysisLosses
from sightline.cameras.decode_share import ADMIT_S, BEHIND_S, DecodeShare
from sightline.cameras.group_rests import GroupRests
from sightline.cameras.workload import FIRST_PACKET_S
from tests.ingest.conftest import make_camera
from tests.kept import make_event, make_passing
from tests.sightline.cameras.test_workload import Packets


class _Analyser:
    """Has these ids settled in view, and one passing for each of them."""

    def __init__(self) -> None:
        self.ids = frozenset[str]()

    def settled(self) -> frozenset[str]:
        return self.ids

    def publish_settled(self, ids: frozenset[str]) -> list[Passing]:
        return [make_passing(make_event()) for _ in ids]


class _Reader:
    def __init__(self) -> None:
        self.groups, self.rest_ns = 0, 0
        self.skipped: list[int] = []
        self.is_next_begun = False

    def skip_group(self) -> bool:
        self.skipped += [] if self.is_next_begun else [self.groups]
        return not self.is_next_begun


class Camera:
    """A camera of a worker for which packets wait that take so long."""

    def __init__(self, work_s: float) -> None:
        shares, self.packets = DecodeShare(ManualClock()), Packets()
        shares.workload.add("others", self.packets)
        self.wait_for(work_s)
        shares.is_behind()
        share = shares.of(make_camera("rtsp://10.0.0.1/1"), AnalysisLosses())
        self.analyser, self.reader = _Analyser(), _Reader()
        self.rests = GroupRests(cast(Analyser, self.analyser), self.reader, share)

    def wait_for(self, work_s: float) -> None:
        self.packets.waiting = round(work_s / FIRST_PACKET_S)

    def frame(self, group: int, *settled: str) -> int:
        """Return how many passings are published after a frame of a group."""
        self.reader.groups, self.analyser.ids = group, frozenset(settled)
        return len(self.rests.after_frame())


ALL_RESTS, SOME_GROUPS = BEHIND_S + 0.1, ADMIT_S + 0.1


def test_a_worker_that_keeps_up_analyses_every_group_to_its_end() -> None:
    camera = Camera(0.0)
    assert camera.frame(1, "a") == 0
    assert camera.reader.skipped == []


@pytest.mark.parametrize("work_s", [ALL_RESTS, SOME_GROUPS])
def test_the_rest_is_left_out_and_the_event_is_published_at_the_frame_that_settles_it(
    work_s: float,
) -> None:
    camera = Camera(work_s)
    published = [camera.frame(1), camera.frame(1), camera.frame(1, "a")]
    assert published == [0, 0, 1]
    assert camera.reader.skipped == [1]
    assert camera.frame(2, "a", "b") == 1, "b is new in this group"
    assert camera.reader.skipped == [1, 2]


@pytest.mark.parametrize("work_s", [ALL_RESTS, SOME_GROUPS])
def test_a_vehicle_that_was_known_before_ends_no_group(work_s: float) -> None:
    """It may stand in view, and something else moved when the group was admitted."""
    camera = Camera(work_s)
    camera.frame(1, "standing")
    assert camera.frame(2, "standing") == 0, "its event is published again when it ends"
    camera.frame(2)
    camera.frame(3, "standing")
    assert camera.reader.skipped == [1]
    assert camera.frame(3, "standing", "a") == 1
    assert camera.reader.skipped == [1, 3]


def test_a_vehicle_that_is_settled_is_published_and_ends_the_group_once_other_packets_wait() -> (
    None
):
    camera = Camera(ALL_RESTS)
    camera.wait_for(0.0)
    assert camera.frame(1, "a") == 1
    assert camera.frame(1, "a") == 0, "it is published again at its end"
    assert camera.reader.skipped == [], "the worker has nothing else to do"
    assert camera.frame(1, "a", "b") == 1, "only b is new"
    camera.wait_for(ALL_RESTS)
    assert camera.frame(1, "a", "b") == 2, "no frame may show how they end"
    assert camera.reader.skipped == [1]


def test_a_vehicle_is_published_once_although_another_one_is_not_settled_meanwhile() -> None:
    camera = Camera(ALL_RESTS)
    camera.wait_for(0.0)
    published = [camera.frame(1, "a"), camera.frame(1), camera.frame(1, "a", "b")]
    assert published == [1, 0, 1]


def test_what_is_decoded_already_is_not_left_out() -> None:
    camera = Camera(ALL_RESTS)
    camera.reader.is_next_begun = True
    assert camera.frame(1, "a") == 1
    camera.reader.is_next_begun = False
    assert camera.frame(2, "a") == 0
    assert camera.reader.skipped == []


def test_a_camera_is_settled_only_while_the_worker_is_behind() -> None:
    behind, free = Camera(ALL_RESTS), Camera(0.0)
    for camera in (behind, free):
        camera.frame(1, "a")
    assert (behind.rests.is_settled, free.rests.is_settled) == (True, False)
    behind.frame(1)
    assert not behind.rests.is_settled
