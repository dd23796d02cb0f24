"""The benchmark leaves out whole groups of pictures in which a vehicle is in view."""

from __future__ import annotations

from pathlib import Path

from benchmarks.checkpoints.left_out import _groups, _reported, _shows_a_vehicle
from domain.clock import NS_PER_S
from domain.recordings.partly_analysed import PartlyAnalysed, PartlyCause
from sightline.evaluation.film import EPOCH_NS
from tests.benchmarks.checkpoints.test_measurement import PASSES, ns
from tests.ingest.conftest import make_video


def test_groups_begin_at_keyframes_and_have_the_times_of_the_file(tmp_path: Path) -> None:
    groups = list(_groups(make_video(tmp_path / "file.mp4", "h264", 50)))
    assert [len(group) for group in groups] == [25, 25]
    assert all(group[0].is_keyframe for group in groups)
    assert not any(packet.is_keyframe for group in groups for packet in group[1:])
    assert [group[0].wall_ns - EPOCH_NS for group in groups] == [0, NS_PER_S]


def test_a_group_shows_a_vehicle_that_is_in_view_in_a_part_of_it() -> None:
    spans = [(0.0, 0.5), (0.0, 0.6), (1.9, 4.0), (2.0, 4.5)]
    shown = [_shows_a_vehicle(PASSES, (ns(from_s), ns(to_s))) for from_s, to_s in spans]
    assert shown == [False, True, True, False]


def test_what_is_not_partly_analysed_is_complete() -> None:
    reported = _reported([PartlyAnalysed(ns(2.0), ns(3.0), PartlyCause.SETTLED)], 10.0)
    assert reported.complete == [(0.0, 2.0), (3.0, 10.0)]
    assert reported.partly == [(2.0, 3.0)]
