"""Legs and impossible legs, by table and as properties."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.events.event import Alternative, Event, Location, Plate
from domain.events.journeys import Limits, joined, legs_between
from domain.events.misreadings import Match, MatchKind, match_of
from domain.plates import PlateColor
from domain.ulid import event_id

BASE_NS = 1_764_000_000_000_000_000
METRES_PER_DEGREE = 111_194.9


def sighting(at_s: float, metres_north: float, camera: str | None = None) -> Event:
    at_ns = BASE_NS + round(at_s * 1000) * 1_000_000
    place = camera or f"camera-{metres_north:.0f}"
    return Event(
        id=event_id(place, "vehicle", at_ns, ""),
        kind="vehicle",
        camera=place,
        class_="A",
        area="a",
        location=Location(lon=110, lat=metres_north / METRES_PER_DEGREE),
        started_at=at_ns,
        best_at=at_ns,
        ended_at=at_ns,
        confidence=1,
        box=(0, 0, 1, 1),
    )


@pytest.mark.parametrize(
    ("metres", "seconds", "impossible", "why"),
    [
        (1_000, 60, False, "60 km/h through a town"),
        (10_000, 200, False, "180 km/h: a crime perhaps, and possible"),
        (10_000, 100, True, "360 km/h"),
        (100, 0.5, False, "two views that overlap, 720 km/h by the clocks"),
        (200, -2, False, "clocks that disagree by two seconds"),
        (300, 0, False, "seen by two cameras of a crossing at the same moment"),
        (50_000, 0, True, "at both ends of the county at the same moment"),
        (50_000, -1, True, "the same, with the clocks crossed"),
    ],
)
def test_a_leg_is_impossible_only_beyond_clocks_and_views(
    metres: float, seconds: float, impossible: bool, why: str
) -> None:
    (leg,) = legs_between([sighting(0, 0), sighting(seconds, metres)])
    assert leg.impossible is impossible, why
    assert leg.distance_m == pytest.approx(metres, abs=1)
    assert leg.seconds == pytest.approx(seconds)
    assert leg.speed_kmh == (None if seconds <= 0 else pytest.approx(metres / seconds * 3.6, abs=1))


def test_the_same_camera_again_is_no_distance_however_its_entry_moved() -> None:
    (leg,) = legs_between([sighting(0, 0, "gate"), sighting(1, 90_000, "gate")])
    assert (leg.distance_m, leg.impossible) == (0, False)


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_sightings_have_no_legs(count: int) -> None:
    assert legs_between([sighting(i, i) for i in range(count)]) == []


@given(st.lists(st.tuples(st.floats(0, 1e5), st.floats(0, 1e5)), max_size=8))
def test_legs_join_each_sighting_to_the_next(places: list[tuple[float, float]]) -> None:
    sightings = [sighting(at_s, metres) for at_s, metres in sorted(places)]
    legs = legs_between(sightings)
    assert [(leg.from_event, leg.to_event) for leg in legs] == [
        (a.id, b.id) for a, b in itertools.pairwise(sightings)
    ]


@given(st.floats(0, 1e6), st.floats(0, 1e5), st.floats(1, 1e4))
def test_more_time_never_makes_a_leg_impossible(
    metres: float, seconds: float, more_s: float
) -> None:
    limits = Limits()
    (short,) = legs_between([sighting(0, 0), sighting(seconds, metres)], limits)
    (long,) = legs_between([sighting(0, 0), sighting(seconds + more_s, metres)], limits)
    assert short.impossible or not long.impossible


def plated(at_s: float, metres_north: float, plate: str, alternative: str = "") -> Event:
    others = (Alternative(text=alternative, confidence=0.2),) if alternative else ()
    read = Plate(text=plate, color=PlateColor.BLUE, confidence=0.9, alternatives=others)
    return sighting(at_s, metres_north).model_copy(update={"plate": read})


def likely(event: Event, plate: str = "鄂C12345") -> tuple[Event, Match]:
    match = match_of(event, plate, [event.plate.text] if event.plate else [])
    assert match is not None
    return event, match


CERTAIN = [plated(0, 0, "鄂C12345"), plated(600, 5_000, "鄂C12345")]


@pytest.mark.parametrize(
    ("other", "is_joined", "why"),
    [
        (plated(300, 2_500, "鄂C1Z345"), True, "half way at half time"),
        (plated(300, 2_500, "京C12345"), True, "with another province"),
        (plated(900, 9_000, "鄂C1Z345"), True, "soon after the last"),
        (plated(300, 40_000, "鄂C1Z345"), False, "far off the way"),
        (plated(310, 14_000, "鄂C1Z345"), False, "faster than a city's roads allow"),
        (plated(9_000, 9_000, "鄂C1Z345"), False, "hours later, where nothing ties it to the way"),
    ],
)
def test_a_likely_misreading_is_joined_where_time_and_road_allow(
    other: Event, is_joined: bool, why: str
) -> None:
    found = joined(CERTAIN, [likely(other)], "鄂C12345")
    assert [one.event.id for one in found] == sorted(
        [event.id for event in CERTAIN] + ([other.id] if is_joined else [])
    ), why


def test_each_joined_one_says_why() -> None:
    found = joined(CERTAIN, [likely(plated(300, 2_500, "鄂C1Z345"))], "鄂C12345")
    assert [one.match.kind for one in found] == [
        MatchKind.EXACT,
        MatchKind.MISREADING,
        MatchKind.EXACT,
    ]
    assert (
        found[1].match.reason
        == "2 at place 4 is easily read as Z; 300 s after camera-0, 2.5 km away"
    )


def test_a_plate_seen_where_the_vehicle_cannot_have_been_is_another_vehicles() -> None:
    """But not where the reader itself held this plate possible."""
    elsewhere, near = plated(310, 90_000, "鄂C1Z345"), plated(300, 2_500, "鄂C1Z345")
    assert len(joined(CERTAIN, [likely(near), likely(elsewhere)], "鄂C12345")) == 2
    doubted = plated(300, 2_500, "鄂C1Z345", alternative="鄂C12345")
    assert [
        one.match.kind for one in joined(CERTAIN, [likely(doubted), likely(elsewhere)], "鄂C12345")
    ] == [
        MatchKind.EXACT,
        MatchKind.ALTERNATIVE,
        MatchKind.EXACT,
    ]


@given(
    st.lists(
        st.tuples(
            st.integers(0, 5000),
            st.integers(0, 20_000),
            st.sampled_from(["鄂C1Z345", "京C12345", "鄂C72345"]),
        ),
        max_size=12,
    )
)
def test_no_joined_sighting_makes_a_leg_impossible(places: list[tuple[int, int, str]]) -> None:
    others = {
        event.id: event for event in (plated(at_s, metres, plate) for at_s, metres, plate in places)
    }
    found = joined(
        CERTAIN,
        [likely(event) for event in others.values() if event.id not in {one.id for one in CERTAIN}],
        "鄂C12345",
    )
    assert [one.event.id for one in found] == sorted(one.event.id for one in found)
    assert {event.id for event in CERTAIN} <= {one.event.id for one in found}
    assert not any(leg.impossible for leg in legs_between([one.event for one in found]))
