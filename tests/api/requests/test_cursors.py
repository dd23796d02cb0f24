"""Cursors round-trip for the same search only, and other texts are refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.requests.cursors import newest_first, read_cursor, write_cursor
from domain.camera_scope import ALL_CAMERAS, CameraScope, VisibleCameras
from domain.errors import QueryInvalid
from domain.events.query import EventQuery

Item = tuple[int, str]
ID = "01JD7Z3V5G8M2K4Q6R9T1W3Y5A"


@given(st.text("ABC123.-_", min_size=1, max_size=64))
def test_a_cursor_round_trips(after: str) -> None:
    query = EventQuery(plate="鄂F8888?")
    assert read_cursor(query, ALL_CAMERAS, write_cursor(query, ALL_CAMERAS, after)) == after


def test_a_cursor_of_another_search_says_so() -> None:
    cursor = write_cursor(EventQuery(kind="face"), ALL_CAMERAS, ID)
    with pytest.raises(QueryInvalid, match="other filters"):
        read_cursor(EventQuery(kind="vehicle"), ALL_CAMERAS, cursor)


def test_a_cursor_of_a_wider_scope_is_refused() -> None:
    narrow = VisibleCameras(CameraScope(areas=("a",)), frozenset({"gate"}))
    cursor = write_cursor(EventQuery(), ALL_CAMERAS, ID)
    with pytest.raises(QueryInvalid, match="other filters"):
        read_cursor(EventQuery(), narrow, cursor)
    own = write_cursor(EventQuery(), narrow, ID)
    later = VisibleCameras(narrow.scope, frozenset({"gate", "new-gate"}))
    assert read_cursor(EventQuery(), later, own) == ID, "a camera was added"


@given(st.text(max_size=60))
def test_nothing_else_is_a_cursor(text: str) -> None:
    with pytest.raises(QueryInvalid):
        read_cursor(EventQuery(), ALL_CAMERAS, text)


def key(item: Item) -> Item:
    return item


def test_pages_have_each_item_once_also_while_items_are_added() -> None:
    items = [(second, f"node-{second % 3}") for second in (5, 3, 9, 9, 1, 7)]
    items[3] = (9, "节点")
    first = newest_first(items, key, "test", ALL_CAMERAS, 4, None)
    second = newest_first([*items, (11, "new")], key, "test", ALL_CAMERAS, 4, first.next)
    assert [*first.items, *second.items] == sorted(
        items, key=lambda item: (item[0], item[1].encode().hex()), reverse=True
    )
    assert second.next is None


def test_a_cursor_of_another_list_is_refused() -> None:
    page = newest_first([(1, "a"), (2, "b")], key, "holds", ALL_CAMERAS, 1, None)
    assert page.next is not None
    with pytest.raises(QueryInvalid):
        newest_first([(1, "a")], key, "alarms", ALL_CAMERAS, 1, page.next)
