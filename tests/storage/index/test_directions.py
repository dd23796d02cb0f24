"""Which way an event went is kept by the index's forty bytes and by the archive's columns, and
takes no room in either.
"""

from __future__ import annotations

from itertools import product

import pytest

from domain.events.event import Direction, Event
from storage.archive import rows as archive_rows
from storage.index.record import PlaceFields, event_from_record, index_entry
from storage.index.record_layout import DIRECTIONS
from tests.kept import make_event

WAYS = list(product(DIRECTIONS, (0, 1, 7), ((), (1,), (-1,))))


def made(direction: Direction, lane: int, crossed: tuple[int, ...]) -> Event:
    return make_event("gate", after_s=1).model_copy(
        update={"direction": direction, "lane": lane, "crossed": crossed}
    )


@pytest.mark.parametrize("box", [(0.0, 0.0, 0.5, 0.5), (0.4, 0.6, 0.5, 0.7), (1.0, 1.0, 1.0, 1.0)])
def test_the_index_gives_it_back(box: tuple[float, float, float, float]) -> None:
    for way in WAYS:
        event = made(*way).model_copy(update={"box": box})
        entry = index_entry(event)
        assert not entry.record.is_overflow
        assert len(entry.record) == 40
        assert (
            event_from_record(
                entry.hour,
                entry.record,
                entry.alternatives,
                PlaceFields.parse(entry.place.json),
                entry.json,
            )
            == event
        )


@pytest.mark.parametrize(
    ("lane", "crossed"), [(8, ()), (15, (1,)), (1, (2,)), (0, (-1, 2)), (0, (1, 15))]
)
def test_what_does_not_fit_is_an_overflow_record(lane: int, crossed: tuple[int, ...]) -> None:
    event = made("toward", lane, crossed)
    entry = index_entry(event)
    assert entry.record.is_overflow
    assert (
        event_from_record(
            entry.hour,
            entry.record,
            entry.alternatives,
            PlaceFields.parse(entry.place.json),
            entry.json,
        )
        == event
    )


@pytest.mark.parametrize(
    ("direction", "lane", "crossed"), [*WAYS, ("", 15, (-2, 3, 15)), ("left", 0, (1, 2))]
)
def test_the_archive_gives_it_back(
    direction: Direction, lane: int, crossed: tuple[int, ...]
) -> None:
    event = made(direction, lane, crossed)
    row = archive_rows.row_from_event(event)
    assert row[-1] is None, "its columns are enough"
    assert archive_rows.event_from_row(row) == event
