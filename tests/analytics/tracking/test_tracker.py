from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.detection.detections import Detections
from analytics.tracking.tracker import MAX_PATH, AssociationGate, Track, Tracker, moves_with
from domain.clock import NS_PER_MS

MakeFound = Callable[..., Detections]
GATE = AssociationGate(reach=2.5, reach_per_s=6.0, growth=1.8, growth_per_s=2.0, lost_ms=750)
Box = tuple[float, float, float, float]


def follow(
    make_found: MakeFound, script: list[tuple[int, list[Box]]]
) -> tuple[Tracker, list[Track]]:
    """Run the tracker over (ms, boxes); the tracker, and the tracks that ended on the way."""
    tracker, ended = Tracker(GATE), []
    for at_ms, boxes in script:
        tracker.update(make_found(*boxes), at_ms * NS_PER_MS)
        ended += tracker.remove_ended(at_ms * NS_PER_MS)
    return tracker, ended


def approach(
    from_ms: int, frames: int, x: float = 400, gap_ms: int = 100, skip: tuple[int, ...] = ()
) -> list[tuple[int, list[Box]]]:
    """A plate that comes nearer: down the picture, and larger."""
    return [
        (from_ms + n * gap_ms, [] if n in skip else [(x, 200 + 20 * n, 80 * 1.03**n, 25 * 1.03**n)])
        for n in range(frames)
    ]


def test_an_approach_is_one_track(make_found: MakeFound) -> None:
    tracker, ended = follow(make_found, approach(0, 30))
    assert ended == []
    assert [track.detections for track in tracker.tracks] == [30]
    assert tracker.tracks[0].travel > 1
    assert tracker.tracks[0].growth > 2


def test_a_track_ends_once_nothing_continued_it_for_its_time(make_found: MakeFound) -> None:
    script = [*approach(0, 10), *[(900 + 100 * n, []) for n in range(1, 9)]]
    _, ended = follow(make_found, script[:-1])
    assert ended == []
    _, ended = follow(make_found, script)
    assert len(ended) == 1
    assert ended[0].last_ns == 900 * NS_PER_MS


def test_some_lost_frames_do_not_split_a_track(make_found: MakeFound) -> None:
    tracker, ended = follow(make_found, approach(0, 30, skip=(10, 11, 12, 13, 14, 20)))
    assert ended == []
    assert len(tracker.tracks) == 1


def test_a_vehicle_that_follows_after_a_second_is_another_even_where_the_first_vanished(
    make_found: MakeFound,
) -> None:
    empty = [(1000 + 100 * n, list[Box]()) for n in range(10)]
    again = [(2000 + 100 * n, [(400.0, 380.0, 104.0, 33.0)]) for n in range(10)]
    tracker, ended = follow(make_found, [*approach(0, 10), *empty, *again])
    assert len(ended) == 1
    assert len(tracker.tracks) == 1


def test_the_next_one_far_up_the_road_is_another_at_once(make_found: MakeFound) -> None:
    far = [(1000 + 100 * n, [(400.0, 100.0 + 5 * n, 30.0, 10.0)]) for n in range(4)]
    tracker, _ = follow(make_found, [*approach(0, 10), *far])
    assert len(tracker.tracks) == 2


def test_two_side_by_side_keep_apart(make_found: MakeFound) -> None:
    script = [
        (a, [*b, *c])
        for (a, b), (_, c) in zip(approach(0, 30, x=300), approach(0, 30, x=700), strict=True)
    ]
    tracker, _ = follow(make_found, script)
    assert sorted(track.box[0] < 500 for track in tracker.tracks) == [False, True]
    assert [track.detections for track in tracker.tracks] == [30, 30]


def test_two_that_cross_keep_their_course(make_found: MakeFound) -> None:
    script = [
        (n * 100, [(100 + 40 * n, 300, 80, 25), (900 - 40 * n, 330, 80, 25)]) for n in range(20)
    ]
    tracker, _ = follow(make_found, script)  # type: ignore[arg-type]
    right, left = sorted(tracker.tracks, key=lambda track: -track.velocity[0])
    assert len(tracker.tracks) == 2
    assert float(right.first_box[0]) < 100 < 800 < float(left.first_box[0])
    assert float(right.box[0]) > float(left.box[0])


def test_a_fast_one_at_a_low_rate_is_one_track(make_found: MakeFound) -> None:
    script = [(n * 167, [(100 + 200 * n, 300.0, 100.0, 32.0)]) for n in range(6)]
    tracker, _ = follow(make_found, script)  # type: ignore[arg-type]
    assert len(tracker.tracks) == 1


def test_a_still_picture_holds_what_was_seen_last_and_not_what_was_lost(
    make_found: MakeFound,
) -> None:
    tracker, _ = follow(
        make_found, [(0, [(100, 100, 80, 25), (500, 100, 80, 25)]), (100, [(100, 100, 80, 25)])]
    )
    for at_ms in range(200, 3000, 100):
        tracker.mark_still(at_ms * NS_PER_MS, (at_ms - 100) * NS_PER_MS)
    assert [float(track.box[0]) for track in tracker.remove_ended(3000 * NS_PER_MS)] == [460]
    assert len(tracker.tracks) == 1


@given(st.lists(st.lists(st.tuples(*[st.floats(1, 900)] * 4), max_size=4), min_size=1, max_size=15))
def test_every_detection_belongs_to_one_track(frames: list[list[Box]]) -> None:
    tracker, ended, given_boxes = Tracker(GATE), list[Track](), 0
    for n, boxes in enumerate(frames):
        spans = np.array(boxes, np.float32).reshape(-1, 4)
        xyxy = np.concatenate([spans[:, :2], spans[:, :2] + spans[:, 2:]], axis=1)
        found = Detections(
            xyxy, np.full(len(boxes), 0.9, np.float32), np.zeros((len(boxes), 4, 2), np.float32)
        )
        touched = tracker.update(found, n * 100 * NS_PER_MS)
        assert len({track.number for track in touched}) == len(boxes)
        given_boxes += len(boxes)
        ended += tracker.remove_ended(n * 100 * NS_PER_MS)
    assert sum(track.detections for track in [*ended, *tracker.close()]) == given_boxes


def test_a_path_stays_short_however_long_the_stay(make_found: MakeFound) -> None:
    tracker, _ = follow(make_found, [(n * 100, [(100 + n % 3, 100, 80, 25)]) for n in range(3000)])
    assert len(tracker.tracks[0].path) <= MAX_PATH


@pytest.mark.parametrize(("speed", "want"), [(20.0, True), (5.0, False)])
def test_marks_on_one_vehicle_move_in_step(make_found: MakeFound, speed: float, want: bool) -> None:
    """The second box keeps its place next to the first, or falls behind."""
    script = [
        (n * 100, [(400.0, 200 + 20 * n, 100.0, 32.0), (600.0, 180 + speed * n, 60.0, 20.0)])
        for n in range(20)
    ]
    tracker, _ = follow(make_found, script)
    first, second = tracker.tracks
    assert moves_with(second, first) is want


def test_a_mark_that_flickers_near_a_plate_is_on_its_vehicle(make_found: MakeFound) -> None:
    script = [
        (
            n * 100,
            [(400.0, 200 + 20 * n, 100.0, 32.0), (400.0 + 60 * (n % 2), 250 + 20 * n, 80.0, 40.0)],
        )
        for n in range(20)
    ]
    tracker, _ = follow(make_found, script)  # type: ignore[arg-type]
    first, second = tracker.tracks
    assert moves_with(second, first)


def test_what_is_declared_another_begins_a_track(make_found: MakeFound) -> None:
    tracker = Tracker(GATE)
    tracker.update(make_found((400, 200, 80, 25)), 0)
    tracker.update(
        make_found((402, 202, 80, 25)),
        400 * NS_PER_MS,
        lambda track, at: track.number == 0 and at == 0,
    )
    assert [track.detections for track in tracker.tracks] == [1, 1]


@pytest.mark.parametrize(
    ("looks_ms", "seen_ms", "tracks"),
    [
        ([500], 1000, 2),  # looked for and not found, and then its time was over
        ([], 1000, 1),  # no look
        ([], 2100, 2),  # no look for so long that it may be anywhere
        ([300], 600, 1),
    ],
)
def test_a_track_is_over_by_what_was_looked_for(
    make_found: MakeFound, looks_ms: list[int], seen_ms: int, tracks: int
) -> None:
    tracker = Tracker(GATE)
    for at_ms in (0, 100):
        tracker.update(make_found((400, 200, 80, 25)), at_ms * NS_PER_MS)
    for at_ms in looks_ms:
        tracker.update(make_found(), (100 + at_ms) * NS_PER_MS)
    tracker.update(make_found((400, 205, 80, 25)), (100 + seen_ms) * NS_PER_MS)
    assert len(tracker.tracks) == tracks


def test_what_was_seen_at_every_look_is_steady(make_found: MakeFound) -> None:
    few, _ = follow(make_found, approach(0, 2, gap_ms=400))
    flickering, _ = follow(make_found, approach(0, 5, skip=(1, 2, 3)))
    assert few.tracks[0].is_steady
    assert not flickering.tracks[0].is_steady


def test_what_grew_and_is_suddenly_small_turns(make_found: MakeFound) -> None:
    tracker, _ = follow(make_found, approach(0, 20))
    size = float(np.ptp(tracker.tracks[0].box[::2]))
    assert tracker.tracks[0].reverses_growth(make_found((400, 200, 0.6 * size, 20)).xyxy[0])
    assert not tracker.tracks[0].reverses_growth(make_found((400, 200, 1.3 * size, 20)).xyxy[0])
