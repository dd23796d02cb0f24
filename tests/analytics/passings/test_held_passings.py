"""A small plate that cannot be read at first, is missed for a while and read later gives one
event, whatever the looks' times.
"""

from __future__ import annotations

from random import Random

import pytest

from domain.clock import NS_PER_MS
from domain.events.event import Passing
from domain.metrics import UNREAD
from tests.analytics.drawn import (
    EMPTY,
    GONE,
    LONG_GONE,
    UNREADABLE,
    MakeCamera,
    MakeFound,
    MakeFrame,
    Scene,
    Street,
    approach,
    stand,
    texts,
)  # fmt: skip

BODY = 40
"""The grey of a vehicle, which shows no plate."""
CONTACT_S = 4.0
SMALL_FROM_S, SMALL_TO_S, NEAR_FROM_S, NEAR_TO_S = 1.2, 2.0, 2.8, 3.3
"""A vehicle's plate is found and illegible, then missed, then legible until it leaves the
picture.
"""


@pytest.fixture
def street(make_camera: MakeCamera, make_found: MakeFound, make_frame: MakeFrame) -> Street:
    return Street(make_camera(), make_found, make_frame)


def coming(at_s: float, grey: int, x: float = 320) -> Scene:
    """A vehicle at constant speed toward a camera above the road, so long after it began to
    come.
    """
    wide = 120 / (CONTACT_S - at_s)
    body: Scene = [(BODY, (x, 2.4 * wide - 85 - wide, 4 * wide, 3 * wide))]
    return [*body, (grey, (x, 2.4 * wide - 85, wide, wide * 0.3))] if grey != BODY else body


def small_then_near(at_s: float, near_grey: int = 60, near_from_s: float = NEAR_FROM_S) -> Scene:
    if at_s >= CONTACT_S - 0.1:
        return EMPTY
    small, near = SMALL_FROM_S <= at_s <= SMALL_TO_S, near_from_s <= at_s <= NEAR_TO_S
    return coming(at_s, UNREADABLE if small else near_grey if near else BODY)


def scenes_of(seconds: float) -> list[float]:
    return [tenth / 10 for tenth in range(round(seconds * 10))]


def events_of(out: list[Passing]) -> dict[str, str]:
    """The last text of each event."""
    return {one.event.id: one.event.plate.text for one in out if one.event.plate is not None}


def unread_count() -> float:
    """Of all reasons together."""
    samples = (sample for metric in UNREAD.collect() for sample in metric.samples)
    return float(sum(sample.value for sample in samples if sample.name.endswith("_total")))


def test_an_unread_part_and_a_read_one_are_one_event(street: Street) -> None:
    before = unread_count()
    out = street.show([small_then_near(at_s) for at_s in scenes_of(8)])
    assert texts(out) == ["鄂F12345"], "published once, for it was held back"
    assert (out[0].event.ended_at - out[0].event.started_at) // NS_PER_MS >= 2000
    assert unread_count() == before, "its plate was read"
    assert street.analyser.drafts() == []
    assert not street.analyser.in_view()


def test_the_event_keeps_the_id_of_its_first_frame(street: Street) -> None:
    street.show([small_then_near(at_s) for at_s in scenes_of(2.5)])
    first = street.analyser.drafts()
    out = street.show([small_then_near(at_s) for at_s in scenes_of(8)[25:]])
    assert [one.event.id for one in out] == [one.event.id for one in first]
    assert out[0].event.started_at == first[0].event.started_at


def test_an_unread_passing_is_published_two_seconds_after_its_end(street: Street) -> None:
    street.show(approach(UNREADABLE))
    assert street.show([EMPTY] * 19) == []
    assert street.analyser.in_view(), "what is held back may be found again"
    assert texts(street.analyser.drafts()) == [""], "a process that dies meanwhile does not lose it"
    assert texts(street.show([EMPTY])) == [""]
    assert street.analyser.drafts() == street.show(LONG_GONE) == []


def test_a_held_passing_is_published_when_the_stream_stops(street: Street) -> None:
    street.show([*approach(UNREADABLE), *GONE])
    now_ns = street.at_ms * NS_PER_MS
    assert street.analyser.idle(now_ns) == []
    assert texts(street.analyser.idle(now_ns + 1_000 * NS_PER_MS)) == [""]
    assert street.analyser.close() == []


def test_a_held_passing_is_published_at_the_end(street: Street) -> None:
    street.show([*approach(UNREADABLE), *GONE])
    assert texts(street.analyser.close()) == [""]


def test_a_process_that_takes_over_keeps_the_id_of_what_was_held(street: Street) -> None:
    street.show([small_then_near(at_s) for at_s in scenes_of(2.9)])
    held = street.analyser.drafts()
    assert texts(held) == [""]
    street.restart()
    assert street.analyser.drafts() == []
    out = street.show([small_then_near(at_s) for at_s in scenes_of(8)[29:]])
    assert held[0].event.id not in events_of(out), (
        "places are not known over a restart: the rest is an event of its own"
    )


def test_two_unread_parts_are_one_event(street: Street) -> None:
    out = street.show([small_then_near(at_s, UNREADABLE) for at_s in scenes_of(8)])
    assert texts(out) == [""]
    assert (out[0].event.ended_at - out[0].event.started_at) // NS_PER_MS >= 2000


def test_an_unread_part_after_a_read_one_extends_its_event(street: Street) -> None:
    """A vehicle that goes away from the camera is read first."""
    backward = [small_then_near(at_s) for at_s in reversed(scenes_of(3.5))]
    out = street.show([*backward, *LONG_GONE])
    assert set(events_of(out).values()) == {"鄂F12345"}
    assert len(events_of(out)) == 1
    assert (out[-1].event.ended_at - out[0].event.started_at) // NS_PER_MS >= 2000


def test_a_vehicle_that_is_found_again_where_it_stops_is_one_event(street: Street) -> None:
    """It brakes while its plate is missed, stands, and drives on."""
    stop_s = 2.4
    way = [small_then_near(at_s) for at_s in scenes_of(2.1)] + [EMPTY] * 9
    standing = stand(coming(stop_s, UNREADABLE), 12)
    away = [coming(at_s, 60) for at_s in scenes_of(3.5) if at_s > stop_s]
    out = street.show([*way, *standing, *away, *LONG_GONE])
    assert list(events_of(out).values()) == ["鄂F12345"]


@pytest.mark.parametrize("again_s", [2.1, 2.4, 2.7, 3.1, 3.4])
@pytest.mark.parametrize("headway_s", [1.0, 1.5])
def test_the_next_vehicle_of_a_motorcade_is_another_event(
    street: Street, headway_s: float, again_s: float
) -> None:
    """The first is never read, and the second is first found up to a second and a half after
    the first was lost.
    """

    def shown(at_s: float) -> Scene:
        first, own_s = small_then_near(at_s, BODY), at_s - headway_s
        if at_s <= SMALL_TO_S or own_s > NEAR_TO_S:
            return first
        return first + coming(own_s, 100 if at_s >= again_s else BODY)

    out = street.show([*[shown(at_s) for at_s in scenes_of(6)], *LONG_GONE])
    assert sorted(events_of(out).values()) == ["", "川A8H458"]


def test_a_vehicle_in_the_next_lane_is_another_event(street: Street) -> None:
    def shown(at_s: float) -> Scene:
        """A lane is seven plates wide."""
        first, wide = small_then_near(at_s, BODY), 120 / max(0.1, CONTACT_S - at_s)
        is_near = NEAR_FROM_S <= at_s <= NEAR_TO_S
        return first + coming(at_s, 100, x=100 + 7 * 60 - 3.5 * wide) if is_near else first

    out = street.show([*[shown(at_s) for at_s in scenes_of(6)], *LONG_GONE])
    assert sorted(events_of(out).values()) == ["", "川A8H458"]


STEEP, STEEP_ABOVE_PX = 5.0, 150.0
"""How many of its lengths the plate is below the horizon, and how far the horizon is above the
picture.
"""


def steeply(at_s: float, grey: int) -> Scene:
    """A vehicle seen from higher up: at a headway of half a second it is a plate's length
    behind.
    """
    wide = 120 / (CONTACT_S - at_s)
    y = STEEP * wide - STEEP_ABOVE_PX
    body: Scene = [(BODY, (320, y - wide, 4 * wide, 3 * wide))]
    return [*body, (grey, (320, y, wide, wide * 0.3))] if grey != BODY else body


@pytest.mark.parametrize("gap_s", [0.1, 0.4, 0.7])
@pytest.mark.parametrize("headway_s", [0.5, 1.0, 1.5, 3.0])
@pytest.mark.parametrize(
    ("first", "second", "want"),
    [
        (UNREADABLE, 100, ["", "川A8H458"]),
        (60, UNREADABLE, ["", "鄂F12345"]),
        (60, 100, ["川A8H458", "鄂F12345"]),
        (UNREADABLE, UNREADABLE, ["", ""]),
    ],
)
def test_a_second_vehicle_soon_after_a_lost_one_is_another_event(
    street: Street, first: int, second: int, want: list[str], headway_s: float, gap_s: float
) -> None:
    """The first is lost in mid-view, and the second is first found before the first track ends."""

    def shown(at_s: float) -> Scene:
        ahead = steeply(at_s, first if at_s <= SMALL_TO_S else BODY) if at_s < NEAR_TO_S else EMPTY
        if at_s < SMALL_TO_S + gap_s - 0.05:
            return ahead
        own_s = at_s - headway_s
        return ahead + (steeply(own_s, second) if own_s < NEAR_TO_S else EMPTY)

    times_s = [at_s for at_s in scenes_of(8) if at_s >= SMALL_FROM_S]
    before = unread_count()
    out = street.show([*[shown(at_s) for at_s in times_s], *LONG_GONE])
    assert sorted(events_of(out).values()) == want
    assert unread_count() - before == want.count("")
    assert street.analyser.drafts() == []


@pytest.mark.parametrize("near_grey", [60, UNREADABLE])
@pytest.mark.parametrize("gap_s", [0.2, 0.4, 0.7])
def test_a_vehicle_that_brakes_while_it_is_missed_is_one_event(
    street: Street, gap_s: float, near_grey: int
) -> None:
    """It is found again where it was lost, and goes on at a quarter of its speed."""
    fast = [steeply(at_s, UNREADABLE) for at_s in scenes_of(SMALL_TO_S) if at_s >= SMALL_FROM_S]
    missed = [EMPTY] * round(gap_s * 10 - 1)
    slow = [steeply(SMALL_TO_S + at_s / 4, near_grey) for at_s in scenes_of(4)]
    out = street.show([*fast, *missed, *slow, *LONG_GONE])
    assert len(events_of(out)) == 1


SLOWER = 2.5
"""The vehicle takes so much longer here: the plate is missed for a second, and found for two on
either side of it.
"""


def scheduled(street: Street, seed: int) -> dict[str, str]:
    """The events of one vehicle, at random times of looks, with looks left out and detections
    missed, as on a busy machine.
    """
    random, at_ms, began_ms = Random(seed), 0.0, street.at_ms
    late_from_ms = random.uniform(0, 8_000)
    late_to_ms = late_from_ms + random.choice([0, 1_000, 2_000])
    out: list[Passing] = []
    while at_ms < 12_000:
        street.at_ms = began_ms + round(at_ms)
        is_missed = random.random() < 0.1
        scene = small_then_near(at_ms / 1000 / SLOWER, near_from_s=2.4)
        out += street.show([scene[:1] if is_missed else scene])
        at_ms += (
            500
            if late_from_ms <= at_ms < late_to_ms
            else random.uniform(80, 120) * random.choice([1, 1, 1, 2])
        )
    return events_of(out + street.analyser.close())


@pytest.mark.parametrize("seed", range(12))
def test_any_schedule_of_looks_gives_one_event(street: Street, seed: int) -> None:
    assert list(scheduled(street, seed).values()) == ["鄂F12345"]
