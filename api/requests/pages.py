"""Pages of a list that is read as a whole: each has at most `limit` items and a cursor."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

from fastapi import Query

from api.requests.cursors import read_cursor, write_cursor
from api.requests.numbers import WholeNumber

MAX_ITEMS = 500
ListLimit = Annotated[
    WholeNumber, Query(alias="limit", ge=1, le=MAX_ITEMS, description="most items of a page")
]
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[_Item]):
    """One page of a list; `next` is the cursor of the page after it, or None."""

    items: list[_Item]
    next: str | None


def newest_first(
    items: Iterable[_Item],
    key: Callable[[_Item], tuple[int, str]],
    search: object,
    limit: int,
    cursor: str | None,
) -> Page[_Item]:
    """Return the page after `cursor` in descending order of `key`: a time and an id.

    Items that are added or removed between two pages shift none of the others.
    """
    ordered = sorted(items, key=lambda item: _position(key(item)), reverse=True)
    if cursor is not None:
        after = read_cursor(search, cursor)
        ordered = [item for item in ordered if _position(key(item)) < after]
    page = ordered[:limit]
    has_more = len(ordered) > limit
    return Page(page, write_cursor(search, _position(key(page[-1]))) if has_more else None)


def _position(key: tuple[int, str]) -> str:
    """Return a text that sorts as `key`; cursors are ASCII."""
    return f"{key[0]:020d}{key[1].encode().hex()}"
