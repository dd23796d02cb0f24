"""Cursors round-trip for the same search only, and other texts are refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.requests.cursors import read_cursor, write_cursor
from domain.errors import QueryInvalid
from domain.events.query import EventQuery

ID = "01JD7Z3V5G8M2K4Q6R9T1W3Y5A"


@given(st.text("ABC123.-_", min_size=1, max_size=64))
def test_a_cursor_round_trips(after: str) -> None:
    query = EventQuery(plate="鄂F8888?")
    assert read_cursor(query, write_cursor(query, after)) == after


def test_a_cursor_of_another_search_says_so() -> None:
    cursor = write_cursor(EventQuery(kind="face"), ID)
    with pytest.raises(QueryInvalid, match="other filters"):
        read_cursor(EventQuery(kind="vehicle"), cursor)


@given(st.text(max_size=60))
def test_nothing_else_is_a_cursor(text: str) -> None:
    with pytest.raises(QueryInvalid):
        read_cursor(EventQuery(), text)
