"""The JSON of an event is a contract: every field is read back, with times in milliseconds."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.clock import parse_rfc3339, rfc3339
from domain.events.event import Event, Location, Plate
from domain.plates import PlateColor
from domain.ulid import event_id

START_NS = 1_764_000_000_123_000_000


def make_event(started_at: int = START_NS) -> Event:
    return Event(
        id=event_id("gate", "vehicle", started_at, "1"),
        kind="vehicle",
        camera="gate",
        class_="A",
        area="dan/jun",
        location=Location(lon=111.5, lat=32.5),
        started_at=started_at,
        best_at=started_at,
        ended_at=started_at,
        plate=Plate(text="鄂C12345", color=PlateColor.BLUE, confidence=0.9),
        confidence=0.9,
        box=(0.1, 0.2, 0.3, 0.4),
    )


@given(st.integers(0, 4_000_000_000_000_000_000))
def test_what_is_written_is_read(wall_ns: int) -> None:
    event = make_event(wall_ns)
    assert Event.model_validate_json(event.to_json()) == event
    assert parse_rfc3339(rfc3339(wall_ns)) == wall_ns - wall_ns % 1_000_000


def test_the_json_has_the_words_of_the_contract() -> None:
    written = json.loads(make_event().to_json())
    assert written["class"] == "A"
    assert written["schema"] == 1
    assert written["started_at"] == "2025-11-24T16:00:00.123Z"
    assert written["plate"]["text"] == "鄂C12345"


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        parse_rfc3339("2026-01-01T00:00:00")


def test_an_unknown_field_is_kept() -> None:
    written = json.loads(make_event().to_json()) | {"weather": "rain"}
    event = Event.model_validate(written)
    assert json.loads(event.to_json()) == written
    assert event != make_event()
