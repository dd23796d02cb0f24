"""The times of a stream's units: loops without a jump, joins at keyframes, and file changes."""

from __future__ import annotations

from itertools import islice, pairwise

import pytest

from simulator.media import PreparedMedia, unit_of
from simulator.programme import Programme, ProgrammeItem
from simulator.rtp import Codec


def _media(count: int, gop: int, codec: Codec = Codec.H264) -> PreparedMedia:
    units = tuple(
        unit_of([b"x"], 96, 3600 * index, 3600 * index, index % gop == 0) for index in range(count)
    )
    return PreparedMedia(codec, 90_000, units, 3600 * count, ())


def test_a_loop_goes_on_without_a_jump() -> None:
    slots = list(islice(Programme((ProgrammeItem(0, _media(10, 5), True),)).slots(0), 35))
    assert {b.due - a.due for a, b in pairwise(slots)} == {3600}
    assert [slot.unit.is_keyframe for slot in slots] == [index % 5 == 0 for index in range(35)]


@pytest.mark.parametrize(
    ("at", "held"),
    [(0, 0), (1, 0), (3600 * 7, 3600 * 5), (3600 * 10, 3600 * 10), (3600 * 23 + 1, 3600 * 20)],
)
def test_a_held_join_starts_at_the_keyframe_before(at: int, held: int) -> None:
    first = next(Programme((ProgrammeItem(0, _media(10, 5), True),)).slots(at, from_keyframe=True))
    assert (first.due, first.unit.is_keyframe) == (held, True)


@pytest.mark.parametrize("at", [0, 1, 3600 * 7, 3600 * 25 + 17])
def test_a_join_starts_with_what_is_due_next(at: int) -> None:
    first = next(Programme((ProgrammeItem(0, _media(10, 5), True),)).slots(at))
    assert at <= first.due < at + 3600


def test_a_file_gives_way_to_the_next_at_its_time() -> None:
    old, new = _media(10, 5), _media(4, 2)
    programme = Programme((ProgrammeItem(0, old, True), ProgrammeItem(3600 * 13, new, False)))
    slots = list(programme.slots(0))
    assert [slot.media is new for slot in slots] == [False] * 13 + [True] * 4
    assert programme.media_at(3600 * 13 - 1) is old
    assert programme.media_at(3600 * 13) is new
    assert programme.end == 3600 * 17
    assert list(programme.slots(3600 * 17)) == []


def test_a_phase_starts_in_the_middle_of_the_file() -> None:
    slots = list(Programme((ProgrammeItem(-3600 * 6, _media(10, 5), False),)).slots(0))
    assert [slot.due for slot in slots] == [0, 3600, 7200, 10800]
