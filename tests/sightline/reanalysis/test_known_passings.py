"""A known passing is recognised in other frames, and another vehicle is not taken for it."""

from __future__ import annotations

import pytest

from domain.clock import NS_PER_MS
from domain.events.event import Event
from sightline.reanalysis.known_passings import is_known, is_same_passing
from tests.kept import make_event

READ = make_event(after_s=10, lasts_s=2)


def moved(event: Event, box: tuple[float, float, float, float], best_after_ms: int = 0) -> Event:
    return event.model_copy(
        update={"box": box, "best_at": event.best_at + best_after_ms * NS_PER_MS}
    )


@pytest.mark.parametrize(
    ("found", "is_same"),
    [
        (make_event(after_s=10.4, lasts_s=1), True),
        (make_event(after_s=10.4, plate="鄂C12348"), True),
        (make_event(after_s=10.4, plate="湘A67890"), False),
        (make_event(after_s=10.4, plate=""), True),
        (make_event(after_s=18), True),
        (make_event(after_s=18, plate="鄂C1234B"), False),
        (make_event(after_s=18, plate="鄂C1234B", alternatives=(("鄂C12345", 0.2),)), True),
        (make_event(after_s=24), False),
        (make_event(after_s=10.4, plate=None), False),
    ],
    ids=[
        "other times",
        "a misreading",
        "another plate at the same time",
        "not legible",
        "seen again within seconds",
        "another plate later",
        "an alternative later",
        "the same plate much later",
        "a face",
    ],
)
def test_passings_are_compared_by_time_and_reading(found: Event, is_same: bool) -> None:
    assert is_same_passing(found, READ) is is_same
    assert is_same_passing(READ, found) is is_same
    assert is_known(found, [make_event(after_s=300), READ]) is is_same


def test_without_a_text_the_place_at_one_moment_decides() -> None:
    elsewhere = (0.7, 0.2, 0.9, 0.4)
    unread = make_event(after_s=10, plate="")
    assert is_same_passing(unread, READ)
    assert not is_same_passing(moved(unread, elsewhere), READ)
    assert is_same_passing(moved(unread, elsewhere, best_after_ms=900), READ)
    face = make_event(after_s=10, plate=None)
    assert not is_same_passing(moved(face, elsewhere), face)
    assert is_same_passing(moved(face, (0.15, 0.2, 0.35, 0.4)), face)
