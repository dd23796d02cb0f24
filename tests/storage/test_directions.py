"""An event's direction is kept by the index's forty bytes and by the archive's columns, and takes no room in either."""

from __future__ import annotations

import pytest

from domain.events import Direction
from storage import archive_rows
from storage.index_record import DIRECTIONS, ODD, PlaceFields, entry_of, event_of
from tests.kept import make_event


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("box", [(0.0, 0.0, 0.5, 0.5), (0.4, 0.6, 0.5, 0.7), (1.0, 1.0, 1.0, 1.0)])
def test_the_index_gives_it_back(direction: Direction, box: tuple[float, float, float, float]) -> None:
    event = make_event("gate", after_s=1).model_copy(update={"direction": direction, "box": box})
    entry = entry_of(event)
    assert not int.from_bytes(entry.record[:4], "little") & ODD
    assert len(entry.record) == 40
    assert event_of(entry.hour, entry.record, entry.alternatives, PlaceFields.parse(entry.place.json), entry.json) == event


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_the_archive_gives_it_back(direction: Direction) -> None:
    event = make_event("gate", after_s=1).model_copy(update={"direction": direction})
    row = archive_rows.row_of(event)
    assert row[-1] is None, "its columns are enough"
    assert archive_rows.event_of(row) == event
