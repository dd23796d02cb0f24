"""Impossible legs are found when their events lie in the archive, as they were while the index
had them.
"""

from __future__ import annotations

from domain.camera_scope import ALL_CAMERAS
from domain.clock import NS_PER_DAY, NS_PER_S, S_PER_DAY
from domain.events.event import Event
from storage.archive.archiver import Archiver
from storage.events.corrections import Corrections
from tests.buckets import remove_objects
from tests.kept import START_NS
from tests.storage.archive.test_archiver import NO_HOLDS
from tests.storage.events.drawn_city import City
from tests.storage.index.test_impossible_legs import FIRST, seen

MIDNIGHT_S = S_PER_DAY - START_NS // NS_PER_S // 3600 * 3600 % S_PER_DAY
"""From the first hour to the end of its day (UTC)."""
LAST = FIRST + 6 * 24


def found(
    city: City, first: int = FIRST, last: int = LAST
) -> tuple[list[tuple[Event | None, Event | None]], int]:
    legs = city.store.impossible(first, last)
    return list(city.store.ends(legs, ALL_CAMERAS, legs.found.pairs)), legs.found.pending_hours


def leg_at(at_s: int, plate: str) -> list[Event]:
    return [seen(at_s, 0, plate), seen(at_s + 5, 60_000, plate)]


def test_legs_are_found_before_and_after_they_are_archived(city: City) -> None:
    """One within a day, one over midnight, whose day is moved a turn before that of its later
    end, and one that stays in the index.
    """
    pairs = [
        leg_at(60, "鄂C00001"),
        leg_at(MIDNIGHT_S - 2, "鄂C00002"),
        leg_at(5 * S_PER_DAY, "鄂C00003"),
    ]
    city.index.put_all([event for pair in pairs for event in pair] + [seen(90, 4_000, "鄂C00009")])
    expected = ([(a, b) for a, b in reversed(pairs)], 0)
    assert found(city) == expected
    assert city.move() == 5
    assert city.index.count() == 2
    assert found(city) == expected
    assert found(city, FIRST + 1) == (expected[0][:2], 0)
    assert found(city, FIRST, FIRST) == (expected[0][2:], 0)


def test_what_comes_late_adds_to_what_is_known(city: City) -> None:
    early, late = leg_at(60, "鄂C00001"), leg_at(600, "鄂C00002")
    for events in (early, late):
        city.index.put_all(events)
        city.move()
    assert found(city) == ([(late[0], late[1]), (early[0], early[1])], 0)


def test_a_deleted_or_corrected_end_is_returned_in_its_current_state(city: City) -> None:
    a, b = leg_at(60, "鄂C00001")
    city.index.put_all([a, b])
    city.move()
    correction = Corrections(city.redis, city.objects, city.index, city.clock).correct(
        b, "鄂C00007", "li.wei", "a look", 0
    )
    assert found(city)[0] == [(a, b.model_copy(update={"corrected": correction}))]
    city.move()
    Archiver(city.archive, city.index, city.redis, city.objects, city.clock).retain(
        lambda _: START_NS + 3 * NS_PER_DAY, NO_HOLDS
    )
    assert found(city)[0] == []


def test_days_of_which_legs_were_not_noted_are_unlooked(city: City) -> None:
    city.index.put_all(leg_at(60, "鄂C00001"))
    city.move()
    remove_objects(city.objects, "archive/catalogue/")
    assert Archiver(city.archive, city.index, city.redis, city.objects, city.clock).restore() == 1
    assert found(city) == ([], 24)
