"""The part of a frame that is searched: a window around the tracks, the whole picture now and then,
and the region of the same frame if the window does not show all tracks.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.detection.detections import Detections, Picture
from analytics.detection.motion import thumbnail
from analytics.passings.vehicles import Vehicles
from analytics.tracking.roi_scheduler import (
    MARGIN_PX,
    MAX_PART,
    SHOWN_PX,
    STEADY_DETECTIONS,
    RoiScheduler,
    Window,
    detect_in,
    region_of,
    window_around,
    window_of,
)
from analytics.tracking.tracker import Tracker
from domain.clock import NS_PER_MS

MakeFound = Callable[..., Detections]
Box = tuple[float, float, float, float]
WHOLE_PX = 960 * 544


class Bright:
    """Finds what is bright, in the picture that it is given; notes how large that was."""

    def __init__(self, make_found: MakeFound) -> None:
        self._make_found = make_found
        self.input_area_px = WHOLE_PX
        self.seen_px: list[tuple[int, int]] = []

    def at(self, input_area_px: int) -> Bright:
        return self

    def detect(self, bgr: Picture) -> Detections:
        self.seen_px.append((bgr.shape[1], bgr.shape[0]))
        boxes = []
        for grey in (200, 220):
            y, x = np.nonzero(bgr[..., 0] == grey)
            if len(x):
                boxes.append(
                    (
                        (x[0] + x[-1] + 1) / 2,
                        (y[0] + y[-1] + 1) / 2,
                        x.max() - x.min() + 1,
                        y.max() - y.min() + 1,
                    )
                )
        return self._make_found(*boxes)


class Eye:
    """Searches drawn plates at 10 frames a second."""

    def __init__(self, make_found: MakeFound) -> None:
        self.detector, self.tracker = Bright(make_found), Tracker(Vehicles.gate)
        self.scheduler = RoiScheduler(self.detector, self.tracker)
        self.at_ms = 1_000

    def see(self, *plates: Box) -> Detections | None:
        bgr = np.zeros((1080, 1920, 3), np.uint8)
        for grey, (x, y, wide, high) in zip((200, 220), plates, strict=False):
            bgr[
                round(y - high / 2) : round(y + high / 2), round(x - wide / 2) : round(x + wide / 2)
            ] = grey
        now_ns = self.at_ms * NS_PER_MS
        self.at_ms += 100
        if not self.scheduler.is_due(now_ns):
            return None
        found = self.scheduler.detect(lambda: bgr, thumbnail(bgr[..., 1]), now_ns)
        self.tracker.update(found, now_ns)
        return found


@pytest.fixture
def eye(make_found: MakeFound) -> Eye:
    return Eye(make_found)


def test_an_empty_street_is_searched_at_every_other_look(eye: Eye) -> None:
    looked = [eye.see() is not None for _ in range(6)]
    assert looked == [True, False, True, False, True, False]


def test_what_is_followed_is_looked_at_closely_and_the_whole_once_in_five_seconds(eye: Eye) -> None:
    whole_ms = []
    for step in range(70):
        found = eye.see((400 + 15 * step, 300 + 8 * step, 120, 40))
        assert found is None or len(found) == 1
        if found is not None and eye.detector.seen_px[-1][0] == 1920:
            whole_ms.append(100 * step)
    assert whole_ms[0] == 0
    assert 4_000 <= whole_ms[1] <= 5_000
    assert len(whole_ms) == 2
    assert len(eye.tracker.tracks) == 1
    assert eye.tracker.tracks[0].detections == len(eye.detector.seen_px)


def test_a_new_track_is_searched_in_every_frame_and_a_steady_or_lost_one_in_every_other(
    eye: Eye,
) -> None:
    looked = [eye.see((400 + 30 * step, 300, 120, 40)) is not None for step in range(10)]
    assert looked == [True] * STEADY_DETECTIONS + [False, True] * 3
    assert [eye.see() is not None for _ in range(6)] == [False, True] * 3


def test_one_more_that_comes_into_view_is_looked_at_in_every_frame(eye: Eye) -> None:
    first = [(400.0, 300.0 + 10 * step, 120.0, 40.0) for step in range(20)]
    for place in first[:8]:
        eye.see(place)
    for place in first[8:14]:
        eye.see(place, (1500, 800, 160, 50))
        if len(eye.tracker.tracks) == 2:
            break
    looked = [
        eye.see(place, (1500, 800 + 20 * step, 160, 50)) is not None
        for step, place in enumerate(first[14:17], 1)
    ]
    assert looked == [True] * (STEADY_DETECTIONS - 1)


def test_a_track_that_is_not_where_expected_is_searched_where_the_same_frame_moved(
    eye: Eye,
) -> None:
    for step in range(STEADY_DETECTIONS - 1):
        eye.see((400 + 10 * step, 300, 120, 40))
    before = len(eye.detector.seen_px)
    found = eye.see((800, 500, 120, 40))
    assert found is not None
    assert len(found) == 1
    assert len(eye.detector.seen_px) - before == 2
    assert eye.detector.seen_px[-1] < (1920, 1080)


def test_a_vehicle_that_stopped_while_a_window_was_searched_is_found(eye: Eye) -> None:
    for step in range(6):
        eye.see((400, 300 + 10 * step, 120, 40))
    for step in range(
        6, 12
    ):  # it stands still in every picture that is held against the one before
        found = eye.see((400, 300 + 10 * step, 120, 40), (1500, 800, 160, 50))
    assert found is not None
    assert len(eye.tracker.tracks) == 2
    assert (1920, 1080) not in eye.detector.seen_px[1:]


@given(
    st.tuples(st.floats(0, 1919), st.floats(0, 1079), st.floats(1, 1920), st.floats(1, 1080)),
    st.sampled_from([(1920, 1080), (1280, 720), (704, 576)]),
)
def test_a_region_holds_all_that_moved_with_a_margin_or_there_is_none(
    moved: Box, frame_px: tuple[int, int]
) -> None:
    left, top = moved[0] * frame_px[0] / 1920, moved[1] * frame_px[1] / 1080
    right, bottom = min(left + moved[2], frame_px[0]), min(top + moved[3], frame_px[1])
    region = region_of((left, top, right, bottom), (), 0, frame_px)
    assert region is not None
    window = window_of(region, 1.0, frame_px, WHOLE_PX)
    if window is None:
        return
    margin_px = MARGIN_PX * frame_px[0] / 1920 - 1
    assert window.left <= max(0, left - margin_px)
    assert window.top <= max(0, top - margin_px)
    assert window.right >= min(frame_px[0], right + margin_px)
    assert window.bottom >= min(frame_px[1], bottom + margin_px)
    assert 0 <= window.left < window.right <= frame_px[0]
    assert 0 <= window.top < window.bottom <= frame_px[1]
    assert window.input_area_px < MAX_PART * WHOLE_PX


def test_where_nothing_moved_and_nothing_is_followed_there_is_no_region() -> None:
    assert region_of(None, (), 0, (1920, 1080)) is None


def test_a_second_vehicle_is_found_within_four_looks(eye: Eye) -> None:
    for step in range(4):
        eye.see((400, 300 + 10 * step, 120, 40))
    for step in range(4, 9):
        eye.see((400, 300 + 10 * step, 120, 40), (1500, 800, 160, 50))
    assert len(eye.tracker.tracks) == 2


def _followed(make_found: MakeFound, *boxes: Box, looks: int = 2) -> Tracker:
    tracker = Tracker(Vehicles.gate)
    for look in range(looks):
        tracker.update(make_found(*boxes), (1_000 + 100 * look) * NS_PER_MS)
    return tracker


@pytest.mark.parametrize("wide_px", [40, 90, 160, 320, 700])
def test_a_window_shows_it_no_larger_than_it_need_be_and_costs_less(
    make_found: MakeFound, wide_px: int
) -> None:
    tracks = _followed(make_found, (960, 540, wide_px, wide_px / 3)).tracks
    window = window_around(tracks, 1_200 * NS_PER_MS, (1920, 1080), WHOLE_PX)
    assert window is not None
    scale = (
        window.input_area_px / ((window.right - window.left) * (window.bottom - window.top))
    ) ** 0.5
    assert wide_px * scale <= SHOWN_PX * 1.01
    assert scale <= 0.51
    assert window.input_area_px < MAX_PART * WHOLE_PX
    assert window.left <= 960 - wide_px
    assert window.right >= 960 + wide_px


def test_there_is_no_window_for_one_just_begun_one_lost_and_two_far_apart(
    make_found: MakeFound,
) -> None:
    begun = _followed(make_found, (960, 540, 120, 40), looks=1)
    lost = _followed(make_found, (960, 540, 120, 40))
    lost.update(make_found(), 1_300 * NS_PER_MS)
    apart = _followed(make_found, (100, 100, 60, 20), (1800, 1000, 60, 20))
    for tracker in (begun, lost, apart):
        assert window_around(tracker.tracks, 1_400 * NS_PER_MS, (1920, 1080), WHOLE_PX) is None


def test_a_window_at_a_corner_lies_in_the_picture_and_what_its_side_cuts_off_is_not_found(
    make_found: MakeFound,
) -> None:
    tracks = _followed(make_found, (30, 20, 60, 20)).tracks
    window = window_around(tracks, 1_200 * NS_PER_MS, (1920, 1080), WHOLE_PX)
    assert window is not None
    assert (window.left, window.top) == (0, 0)
    bgr = np.zeros((1080, 1920, 3), np.uint8)
    bgr[0:30, 0:60] = 200
    bgr[window.bottom - 50 : window.bottom + 50, 0:60] = 220
    found = detect_in(Bright(make_found), bgr, window)
    assert found.xyxy.tolist() == [[0, 0, 60, 30]]


def test_detections_of_a_window_are_in_pixels_of_the_picture(make_found: MakeFound) -> None:
    bgr = np.zeros((1080, 1920, 3), np.uint8)
    bgr[500:540, 700:820] = 200
    found = detect_in(Bright(make_found), bgr, Window(600, 400, 1000, 700, WHOLE_PX))
    assert found.xyxy.tolist() == [[700, 500, 820, 540]]
    assert found.points[0, 0].tolist() == [700, 500]
