"""Vehicles whose plate was read with certainty, so that their later pictures may be left out."""

from __future__ import annotations

import pytest

from domain.clock import NS_PER_S
from tests.analytics.drawn import (
    GONE,
    UNREADABLE,
    MakeCamera,
    MakeFound,
    MakeFrame,
    Street,
    drive,
    settle,
    texts,
)  # fmt: skip


def test_a_vehicle_is_settled_once_its_plate_was_read_with_certainty(street: Street) -> None:
    assert street.analyser.settled() == frozenset()
    settled_at = [
        at
        for at, scene in enumerate(drive(60))
        if street.show([scene]) == [] and street.analyser.settled()
    ]
    assert 2 <= settled_at[0] <= 8
    assert settled_at == list(range(settled_at[0], 16))
    reads = street.reader.reads
    street.analyser.settled()
    assert street.reader.reads == reads


def test_a_settled_vehicle_is_one_event_although_its_frames_end_and_continue(
    street: Street,
) -> None:
    way = drive(60)
    street.show(way[:8])
    (published,) = settle(street)
    assert texts([published]) == ["鄂F12345"]
    assert settle(street) == []
    assert street.analyser.drafts() == []
    street.at_ms += 500
    again = street.show([*way[13:], *GONE])
    assert {passing.event.id for passing in again} == {published.event.id}
    assert again[-1].event.ended_at - published.event.ended_at > NS_PER_S // 2


def test_of_a_settled_vehicle_that_is_not_seen_again_there_is_no_second_event(
    street: Street,
) -> None:
    street.show(drive(60)[:8])
    assert len(settle(street)) == 1
    street.at_ms += 500
    assert street.show(GONE) == []


@pytest.mark.parametrize("other", [UNREADABLE, 100])
def test_nothing_is_settled_while_another_vehicle_comes(street: Street, other: int) -> None:
    way = drive(60, x=150)
    street.show(way[:8])
    assert street.analyser.settled()
    street.show([[*way[8 + n], (other, (450, 60 + 16 * n, 60, 18))] for n in range(5)])
    assert street.analyser.settled() == frozenset()


def test_what_crosses_a_count_line_is_known_at_its_end(
    make_camera: MakeCamera, make_found: MakeFound, make_frame: MakeFrame
) -> None:
    camera = make_camera(count_lines=(((0.0, 0.9), (1.0, 0.9)),))
    street = Street(camera, make_found, make_frame)
    street.show(drive(60))
    assert street.analyser.settled() == frozenset()
    assert texts(settle(street)) == []
