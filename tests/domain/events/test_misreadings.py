"""What ties an event to a plate: exactly one tie, the surest, with a reason; and the ties'
plates are what the ties find.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.events.misreadings import READ_AS, MatchKind, match_of, misreadings_of, other_provinces
from domain.plates import PROVINCES, SERIAL
from tests.kept import make_event

plates = st.tuples(st.sampled_from(PROVINCES), st.text(SERIAL, min_size=6, max_size=7)).map("".join)


@pytest.mark.parametrize(
    ("asked", "read", "alternatives", "tie"),
    [
        ("鄂C12345", "鄂C12345", (), MatchKind.EXACT),
        ("鄂CD2345", "鄂C02345", (), MatchKind.MISREADING),
        ("鄂CD2345", "鄂C02345", (("鄂CD2345", 0.2),), MatchKind.ALTERNATIVE),
        ("鄂C12345", "", (("鄂C12345", 0.01),), MatchKind.ALTERNATIVE),
        ("皖E28579", "浙E28579", (), MatchKind.PROVINCE),
        ("鄂C12345", "鄂C12340", (), None),
        ("鄂CD234D", "鄂C02340", (), None),
        ("鄂C12345", "鄂C123456", (), None),
    ],
)
def test_an_event_is_tied_by_the_surest(
    asked: str, read: str, alternatives: tuple[tuple[str, float], ...], tie: MatchKind | None
) -> None:
    event = make_event(plate=read, alternatives=alternatives)
    match = match_of(event, asked, (read,) if read else ())
    assert (match and match.kind) is tie
    assert match is None or match.reason


@given(plates)
def test_what_a_tie_looks_up_is_what_it_finds(plate: str) -> None:
    for tie, readings in (
        (MatchKind.MISREADING, misreadings_of(plate)),
        (MatchKind.PROVINCE, other_provinces(plate)),
    ):
        for reading in readings:
            match = match_of(make_event(plate=reading), plate, (reading,))
            assert match is not None
            assert match.kind is tie


def test_a_face_is_tied_to_no_plate() -> None:
    assert match_of(make_event(plate=None), "鄂C12345", ()) is None


def test_nothing_is_read_as_itself_or_as_what_no_plate_holds() -> None:
    for character, readings in READ_AS.items():
        assert character in SERIAL
        assert set(readings) <= set(SERIAL) - {character}
