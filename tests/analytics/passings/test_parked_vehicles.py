"""Vehicles that stop or park, also while their camera is away."""

from __future__ import annotations

from domain.clock import NS_PER_S
from tests.analytics.drawn import (
    GONE,
    Street,
    approach,
    stand,
    texts,
    without_pictures,
)  # fmt: skip


def test_a_stop_on_the_way_is_one_event(street: Street) -> None:
    way = approach(60)
    looks = street.detector.looks
    out = street.show([*way[:15], *stand(way[15], 200), *way[15:], *GONE])
    assert texts(out) == ["鄂F12345"]
    assert street.detector.looks - looks < 80, "a picture that does not change is hardly looked at"


def test_a_parked_vehicle_is_one_event_after_a_minute_and_no_other_when_it_leaves(
    street: Street,
) -> None:
    way = approach(60)
    first = street.show([*way[:15], *stand(way[15], 650)])
    assert texts(first) == ["鄂F12345"]
    assert street.show([*stand(way[15], 300), *way[15:], *GONE]) == []
    assert street.analyser.drafts() == []


def test_a_vehicle_stands_from_its_event_after_a_minute_until_it_leaves(street: Street) -> None:
    way = approach(60)
    street.show([*way[:15], *stand(way[15], 550)])
    assert not street.analyser.stands()
    street.show(stand(way[15], 100))
    assert street.analyser.stands()
    street.show([*way[15:], *GONE])
    assert not street.analyser.stands()


def test_a_parked_vehicle_is_published_once_though_its_camera_was_away(street: Street) -> None:
    way = approach(60)
    assert texts(street.show([*way[:15], *stand(way[15], 650)])) == ["鄂F12345"]
    assert without_pictures(street, 40) == []
    assert street.show([*stand(way[15], 650), *way[15:], *GONE]) == []


def test_a_stop_over_which_the_camera_was_away_is_one_event(street: Street) -> None:
    way = approach(60)
    out = street.show([*way[:15], *stand(way[15], 100)]) + without_pictures(street, 40)
    out += street.show([*stand(way[15], 100), *way[15:], *GONE])
    assert texts(out) == ["鄂F12345", "鄂F12345"]
    assert out[0].event.id == out[1].event.id
    assert out[1].event.ended_at - out[1].event.started_at > 50 * NS_PER_S


def test_a_parked_vehicle_is_one_event_however_few_groups_are_decoded(street: Street) -> None:
    way = approach(60)
    out = street.show([*way[:15], *stand(way[15], 20)])
    for _ in range(4):
        out += without_pictures(street, 30)
        out += street.show(stand(way[15], 4))
    out += street.show([*way[15:], *GONE])
    assert len({passing.event.id for passing in out}) == 1
