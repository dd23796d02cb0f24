"""Pages of lists that are read as a whole."""

from __future__ import annotations

import pytest

from api.requests.pages import newest_first
from domain.errors import QueryInvalid

Item = tuple[int, str]


def key(item: Item) -> Item:
    return item


def test_pages_have_each_item_once_also_while_items_are_added() -> None:
    items = [(second, f"node-{second % 3}") for second in (5, 3, 9, 9, 1, 7)]
    items[3] = (9, "节点")
    first = newest_first(items, key, "test", 4, None)
    second = newest_first([*items, (11, "new")], key, "test", 4, first.next)
    assert [*first.items, *second.items] == sorted(
        items, key=lambda item: (item[0], item[1].encode().hex()), reverse=True
    )
    assert second.next is None


def test_a_cursor_of_another_list_is_refused() -> None:
    page = newest_first([(1, "a"), (2, "b")], key, "holds", 1, None)
    assert page.next is not None
    with pytest.raises(QueryInvalid):
        newest_first([(1, "a")], key, "alarms", 1, page.next)
