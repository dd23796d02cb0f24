"""Events and counts of plates that could not be read."""

from __future__ import annotations

import pytest

from domain.clock import NS_PER_MS
from domain.metrics import UNREAD
from domain.unread_reasons import MAX_UNREAD, MAX_UNREAD_AGE_NS
from tests.analytics.drawn import (
    EMPTY,
    GONE,
    LONG_GONE,
    UNREADABLE,
    Scene,
    Street,
    approach,
    stand,
    texts,
)  # fmt: skip


def test_an_unreadable_plate_that_goes_by_is_an_event_without_a_text(street: Street) -> None:
    out = street.show([*approach(UNREADABLE), *LONG_GONE])
    assert texts(out) == [""]


def test_a_sign_that_stands_still_and_says_nothing_is_no_event(street: Street) -> None:
    sign: Scene = [(UNREADABLE, (500, 100, 80, 25))]
    out = street.show(
        [
            *stand(sign, 100),
            *[sign + scene for scene in approach(60, x=150)],
            *stand(sign, 650),
            *GONE,
        ]
    )
    assert texts(out) == ["鄂F12345"]


def test_writing_on_a_vehicle_whose_plate_is_read_is_no_event(street: Street) -> None:
    def with_writing(scene: Scene) -> Scene:
        _, (x, y, wide, high) = scene[0]
        return [*scene, (UNREADABLE, (x + 2 * wide, y - wide, wide, high))]

    assert texts(street.show([*[with_writing(scene) for scene in approach(60)], *GONE])) == [
        "鄂F12345"
    ]


def why(street: Street) -> list[tuple[str, bool]]:
    return [(one.why.value, one.is_event) for one in street.analyser.unread()]


def test_the_reason_of_a_plate_without_a_text_is_reported_and_counted(street: Street) -> None:
    def count(reason: str) -> float:
        return float(UNREAD.labels("east-gate", reason)._value.get())

    before = {
        reason: count(reason)
        for reason in ("seen_once", "still", "writing", "no_grammar", "too_small")
    }
    street.show([*approach(60), *GONE])
    assert why(street) == [], "a plate that is read is none of them"
    street.show([*approach(UNREADABLE), *LONG_GONE])
    assert why(street) == [("no_grammar", True)]
    small_ones: list[Scene] = [
        [(UNREADABLE, (100 + 5.0 * n, 60 + 4.0 * n, 30, 9))] for n in range(24)
    ]
    street.show([*small_ones, *LONG_GONE])
    sign: Scene = [(UNREADABLE, (500, 100, 80, 25))]
    street.show([*stand(sign, 25), *GONE])
    assert why(street)[1:] == [("too_small", True), ("still", False)]
    small = street.analyser.unread()[1]
    assert small.width_px == pytest.approx(30, abs=2)
    assert 12 <= small.looks <= 24
    street.show([[(UNREADABLE, (200, 100, 80, 25))], *GONE])
    after = {reason: count(reason) - number for reason, number in before.items()}
    assert after == {"seen_once": 1, "still": 1, "writing": 0, "no_grammar": 1, "too_small": 1}
    assert len(street.analyser.unread()) == 3, "what was seen once is counted only"


def test_the_last_eight_unread_plates_are_reported_for_an_hour(street: Street) -> None:
    sign: Scene = [(UNREADABLE, (500, 100, 80, 25))]
    for _ in range(MAX_UNREAD + 2):
        street.show([*stand(sign, 25), *GONE])
    assert len(street.analyser.unread()) == MAX_UNREAD
    street.at_ms += MAX_UNREAD_AGE_NS // NS_PER_MS
    street.show([EMPTY] * MAX_UNREAD)
    assert street.analyser.unread() == ()


def test_writing_is_distinguished_from_plates_that_could_not_be_read(street: Street) -> None:
    def with_writing(scene: Scene) -> Scene:
        _, (x, y, wide, high) = scene[0]
        return [*scene, (UNREADABLE, (x + 2 * wide, y - wide, wide, high))]

    street.show([*[with_writing(scene) for scene in approach(60)], *GONE])
    assert why(street) == [("writing", False)]
