"""Passings of vehicles in drawn pictures."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from analytics.passings.passings import LOST_NS
from analytics.passings.vehicles import SURE_READINGS
from domain.clock import MS_PER_HOUR, NS_PER_MS, NS_PER_S
from domain.events.event import Passing
from tests.analytics.conftest import EPOCH_NS
from tests.analytics.drawn import (
    EMPTY,
    GONE,
    PLATES,
    UNREADABLE,
    MakeCamera,
    MakeFound,
    MakeFrame,
    Scene,
    Street,
    approach,
    drive,
    settle,
    stand,
    texts,
    without_pictures,
)  # fmt: skip


def test_a_vehicle_that_drives_by_is_one_event(street: Street) -> None:
    out = street.show([*GONE, *approach(60), *GONE])
    assert texts(out) == ["鄂F12345"]
    event = out[0].event
    assert (event.ended_at - event.started_at) // NS_PER_MS == 2900
    assert event.started_at <= event.best_at <= event.ended_at
    assert event.camera == "east-gate"
    assert event.direction == "toward"
    assert event.plate is not None
    assert event.plate.confidence > 0.9
    picture = cv2.imdecode(np.frombuffer(out[0].snapshot_jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.shape == (360, 640, 3)
    left, top, right, bottom = event.box
    centre = picture[round((top + bottom) / 2 * 360), round((left + right) / 2 * 640)]
    assert abs(int(centre[0]) - 60) < 12
    assert street.reader.reads <= 12


def test_the_detections_of_a_picture_are_its_tracks_with_what_was_read_so_far(
    street: Street,
) -> None:
    plates = [""]
    for scene in approach(60):
        x, y = scene[0][1][:2]
        street.show([scene])
        reads = street.reader.reads
        found = street.analyser.detections(street.wall_ns)
        assert street.reader.reads == reads, "it reads no picture"
        for one in found:
            left, top, right, bottom = one.box
            assert abs((left + right) / 2 - x / 640) < 0.01
            assert abs((top + bottom) / 2 - y / 360) < 0.01
            plates.append(one.plate)
        assert len({one.track for one in found}) <= 1
    assert plates[-1] == "鄂F12345"
    street.show([EMPTY])
    assert street.analyser.detections(street.wall_ns) == [], "it was not found in this picture"


def test_what_a_privacy_mask_hides_is_no_detection(
    make_camera: MakeCamera, make_found: MakeFound, make_frame: MakeFrame
) -> None:
    left_half = (((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)),)
    street = Street(make_camera(masks=left_half), make_found, make_frame)
    found = []
    for n in range(8):
        street.show([[(60, (150.0, 150 + 4 * n, 60, 18)), (100, (500.0, 150 + 4 * n, 60, 18))]])
        found += street.analyser.detections(street.wall_ns)
    assert found
    assert all(one.box[0] > 0.5 for one in found)


def test_a_plate_that_is_surely_read_is_not_read_again_as_another_is(street: Street) -> None:
    def across(grey: int) -> list[Scene]:
        return [[(grey, (80 + 12.0 * n, 150, 60, 18))] for n in range(40)]

    assert texts(street.show([*across(60), *GONE])) == ["鄂F12345"]
    assert street.reader.reads == SURE_READINGS
    street.show([*across(UNREADABLE), *GONE])
    assert street.reader.reads > 2 * SURE_READINGS


def test_an_event_comes_out_at_the_second_look_that_misses_it(street: Street) -> None:
    street.show(approach(60))
    left_ms = street.at_ms - 100
    while not street.show([EMPTY]):
        assert street.at_ms - left_ms < 1000
    assert street.at_ms - 100 - left_ms <= LOST_NS // NS_PER_MS + 100
    assert street.analyser.drafts() == street.show(GONE) == []


def test_a_track_that_is_found_again_is_published_once_more_however_often_it_was_lost(
    street: Street,
) -> None:
    way = approach(60, 40)
    out = street.show([*way[:10], *([*[EMPTY] * 5, *[way[10]] * 3] * 4), *way[11:], *GONE])
    assert texts(out) == ["鄂F12345", "鄂F12345"]
    assert out[0].event.id == out[1].event.id
    assert out[1].event.ended_at - out[0].event.ended_at > 3 * NS_PER_S


@pytest.mark.parametrize("missed", [1, 2])
def test_with_skipped_looks_no_passing_is_published_before_its_end(
    street: Street, missed: int
) -> None:
    """Two looks a second, of which one or two miss: the first is no evidence, and with the
    second its track has ended.
    """
    way = approach(60, 40)
    scenes = [*way[:25], *[EMPTY] * 5 * missed]
    assert texts(sparse(street, scenes, list(range(0, len(scenes), 5)))) == ["鄂F12345"] * (
        missed - 1
    )


def test_an_event_comes_out_when_the_stream_stops_too(street: Street) -> None:
    """By the course of our clock: the camera's may be hours away from it."""
    street.show(approach(60))
    other_clock_ns = 1_900_000_000 * NS_PER_S
    assert street.analyser.idle(other_clock_ns) == []
    assert street.analyser.idle(other_clock_ns + 250 * NS_PER_MS) == []
    assert texts(street.analyser.idle(other_clock_ns + 800 * NS_PER_MS)) == ["鄂F12345"]
    assert street.analyser.idle(other_clock_ns + 5000 * NS_PER_MS) == []


def test_a_passing_is_published_once_and_has_not_ended_while_its_next_frames_are_held(
    street: Street,
) -> None:
    """Under overload a group of pictures is held until it shows motion, and decoded then."""
    way = approach(60)
    street.show(way[:20])
    held_from_ns = EPOCH_NS + street.at_ms * NS_PER_MS
    clock_ns = 1_900_000_000 * NS_PER_S
    out = []
    for later_ms in (0, 250, 500, 1_000, 2_000):
        out += street.analyser.idle(clock_ns + later_ms * NS_PER_MS, held_from_ns)
        assert len(out) == (later_ms > 0), "the time of the held frames need not pass for it"
        assert street.analyser.in_view()
    again = street.show([*way[20:], *GONE])
    assert texts(out) == texts(again) == ["鄂F12345"]
    assert out[0].event.id == again[0].event.id
    assert out[0].event.ended_at < again[0].event.ended_at


def test_what_is_not_read_yet_is_not_published_while_frames_are_held(street: Street) -> None:
    street.show(approach(UNREADABLE)[:20])
    held_from_ns = EPOCH_NS + street.at_ms * NS_PER_MS
    for later_ms in (0, 500, 1_000, 2_000):
        assert street.analyser.idle(NS_PER_S + later_ms * NS_PER_MS, held_from_ns) == []


def test_idle_before_the_first_frame_is_nothing(street: Street) -> None:
    assert street.analyser.idle(1) == []


def test_a_vehicle_that_passes_the_same_place_again_is_another_passing(street: Street) -> None:
    """An overloaded worker decoded no group of pictures between the two."""
    way = drive(60)
    out = street.show(way[:8]) + settle(street)
    out += without_pictures(street, 47)
    out += street.show([*way[7:], *GONE])
    assert set(texts(out)) == {"鄂F12345"}
    assert len({passing.event.id for passing in out}) == 2


@pytest.mark.parametrize(("grey", "x", "away_s"), [(100, 300, 40), (60, 420, 40), (60, 300, 700)])
def test_another_plate_or_place_or_a_long_time_later_is_another_passing(
    street: Street, grey: int, x: float, away_s: int
) -> None:
    way = approach(60)
    out = street.show([*way[:15], *stand(way[15], 100)]) + without_pictures(street, away_s)
    out += street.show([*stand(approach(grey, x=x)[15], 20), *approach(grey, x=x)[15:], *GONE])
    assert len({passing.event.id for passing in out}) == len(out) == 2


@pytest.mark.parametrize("hidden", [0, 1, 2])
def test_bumper_to_bumper_are_two_passings(street: Street, hidden: int) -> None:
    """The first leaves the view, and the second's plate shows one and a half of its lengths
    above, at the next look or soon after.
    """
    first, second = approach(60, 21), approach(100, 40)[4:]
    assert texts(street.show([*first, *[EMPTY] * hidden, *second, *GONE])) == [
        "鄂F12345",
        "川A8H458",
    ]


def test_lost_frames_and_a_longer_occlusion_are_one_event(street: Street) -> None:
    way = approach(60, 40)
    out = street.show([*way[:10], *[EMPTY] * 4, *way[14:20], *[EMPTY] * 12, *way[30:], *GONE])
    assert set(texts(out)) == {"鄂F12345"}
    assert len({passing.event.id for passing in out}) == 1, (
        "kept again under its id, the event is extended"
    )
    assert len({passing.event.started_at for passing in out}) == 1
    assert [passing.event.ended_at for passing in out] == sorted(
        {passing.event.ended_at for passing in out}
    )


def test_a_long_second_part_still_belongs_to_the_first(street: Street) -> None:
    way = approach(60, 40)
    out = street.show(
        [*way[:10], *[EMPTY] * 12, *way[22:30], *stand(way[30], 200), *way[30:], *GONE]
    )
    assert texts(out) == ["鄂F12345", "鄂F12345"]
    assert out[0].event.id == out[1].event.id


def test_a_clock_that_steps_back_ends_what_was_in_view(street: Street) -> None:
    street.show(approach(60)[:20])
    street.at_ms -= MS_PER_HOUR
    out = street.show([*approach(100), *GONE])
    assert texts(out) == ["鄂F12345", "川A8H458"]


def test_the_same_plate_after_a_minute_is_a_new_passing(street: Street) -> None:
    out = street.show([*approach(60), *[EMPTY] * 700, *approach(60), *GONE])
    assert texts(out) == ["鄂F12345"] * 2
    assert out[0].event.id != out[1].event.id


@pytest.mark.parametrize("second", [100, 140])
def test_two_that_follow_after_a_second_are_two_events(street: Street, second: int) -> None:
    """Also when they read all but alike, and the second is first seen where the first vanished."""
    out = street.show([*approach(60), *GONE, *approach(second)[15:], *GONE])
    assert texts(out) == ["鄂F12345", PLATES[second]]
    assert out[0].event.id != out[1].event.id


def sparse(street: Street, scenes: list[Scene], seen: list[int]) -> list[Passing]:
    """Of the scenes, a tenth of a second apart, only some are looked at."""
    began_ms, out = street.at_ms, list[Passing]()
    for at in seen:
        street.at_ms = began_ms + 100 * at
        out += street.show([scenes[at]])
    return out


def test_another_plate_after_a_time_without_looks_is_another_vehicle(street: Street) -> None:
    """First seen where the one before it would be by then."""
    scenes = [*approach(60, 20), *approach(100, 40)[20:], *GONE]
    seen = [0, 2, 4, 6, 8, 10, 12, 22, 24, 26, 28, 30, 32, 34, *range(41, 50)]
    assert texts(sparse(street, scenes, seen)) == ["鄂F12345", "川A8H458"]


def test_one_vehicle_with_few_looks_is_one_event(street: Street) -> None:
    out = sparse(street, [*approach(60, 40), *GONE], [0, 4, 8, 20, 24, 36, *range(41, 50)])
    assert texts(out) == ["鄂F12345"]


def test_two_looks_at_a_plain_plate_are_an_event(street: Street) -> None:
    assert texts(sparse(street, [*approach(60, 10), *GONE], [0, 5, *range(11, 20)])) == ["鄂F12345"]


def test_two_side_by_side_are_two_events(street: Street) -> None:
    scenes = [a + b for a, b in zip(approach(60, x=150), approach(180, x=450), strict=True)]
    assert sorted(texts(street.show([*scenes, *GONE]))) == ["粤B6R678", "鄂F12345"]


def test_one_or_two_sights_are_no_event(street: Street) -> None:
    assert street.show([*approach(60)[:2], *GONE, *approach(60)[20:21], *GONE]) == []


def test_a_faint_one_is_no_event(street: Street) -> None:
    street.detector.score = 0.42
    assert street.show([*approach(60, 4), *GONE]) == []


def test_drafts_have_the_ids_that_the_ends_will_have(street: Street) -> None:
    street.show(approach(60)[:20])
    drafts = street.analyser.drafts()
    assert texts(drafts) == ["鄂F12345"]
    out = street.show([*approach(60)[20:], *GONE])
    assert [passing.event.id for passing in out] == [draft.event.id for draft in drafts]
    assert out[0].event.started_at == drafts[0].event.started_at


def test_a_track_seen_once_is_no_draft(street: Street) -> None:
    street.show(approach(60)[:1])
    assert street.analyser.drafts() == []


def test_a_process_that_takes_over_goes_on_with_the_passing(street: Street) -> None:
    street.show(approach(60)[:15])
    begun = street.analyser.drafts()[0].event
    street.restart()
    street.at_ms += 3000
    out = street.show([*approach(60)[20:], *GONE])
    assert [passing.event.id for passing in out] == [begun.id]
    assert out[0].event.started_at == begun.started_at
    assert out[0].event.ended_at > begun.ended_at


def test_a_process_that_takes_over_too_late_begins_again(street: Street) -> None:
    street.show(approach(60)[:15])
    begun = street.analyser.drafts()[0].event
    street.restart()
    street.at_ms += 20_000
    out = street.show([*approach(60), *GONE])
    assert [passing.event.id != begun.id for passing in out] == [True]


def test_close_gives_what_is_in_view(street: Street) -> None:
    street.show(approach(60)[:20])
    assert texts(street.analyser.close()) == ["鄂F12345"]
    assert street.analyser.close() == []


def test_a_mask_hides_from_analysis_and_from_the_snapshot(
    make_camera: MakeCamera, make_found: MakeFound, make_frame: MakeFrame
) -> None:
    left_half = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
    street = Street(make_camera(masks=(left_half,)), make_found, make_frame)
    scenes = [a + b for a, b in zip(approach(60, x=150), approach(180, x=450), strict=True)]
    out = street.show([*scenes, *GONE])
    assert texts(out) == ["粤B6R678"]
    picture = cv2.imdecode(np.frombuffer(out[0].snapshot_jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    assert picture[:, :300].mean() < 2
    assert picture[:, 340:].mean() > 18
