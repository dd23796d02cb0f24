"""Pages of lists, and their opaque cursors. A cursor is bound to its search and to the scope of its
person.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

from fastapi import Query

from api.requests.numbers import WholeNumber
from domain.camera_scope import CameraScope, VisibleCameras
from domain.errors import QueryInvalid

_MARK_BYTES = 9
MAX_ITEMS = 500
ListLimit = Annotated[
    WholeNumber, Query(alias="limit", ge=1, le=MAX_ITEMS, description="most items of a page")
]
_Item = TypeVar("_Item")
NO_CURSOR = "is no cursor; pass on `next` of the previous page without a change"


def write_cursor(search: object, visible: VisibleCameras, after: str) -> str:
    """Return a cursor to the items after `after` in `search`, which its repr identifies."""
    mark = _mark(search, visible.scope)
    return base64.urlsafe_b64encode(mark + after.encode()).decode().rstrip("=")


def read_cursor(search: object, visible: VisibleCameras, cursor: str) -> str:
    """Return the `after` of a cursor. Raises QueryInvalid for a malformed cursor, or one of
    another search or another scope.
    """
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        mark, after = raw[:_MARK_BYTES], raw[_MARK_BYTES:].decode("ascii")
    except (binascii.Error, ValueError) as error:
        raise QueryInvalid("next", NO_CURSOR) from error
    if not after:
        raise QueryInvalid("next", NO_CURSOR)
    if mark != _mark(search, visible.scope):
        raise QueryInvalid(
            "next",
            "belongs to a search with other filters; repeat those, or begin again without `next`",
        )
    return after


def _mark(search: object, scope: CameraScope) -> bytes:
    return hashlib.sha256(repr((search, scope)).encode()).digest()[:_MARK_BYTES]


@dataclass(frozen=True, slots=True)
class Page(Generic[_Item]):
    """One page of a list; `next` is the cursor of the page after it, or None."""

    items: list[_Item]
    next: str | None


def newest_first(
    items: Iterable[_Item],
    key: Callable[[_Item], tuple[int, str]],
    search: object,
    visible: VisibleCameras,
    limit: int,
    cursor: str | None,
) -> Page[_Item]:
    """Return the page after `cursor` in descending order of `key`: a time and an id.

    Items that are added or removed between two pages shift none of the others.
    """
    ordered = sorted(items, key=lambda item: _position(key(item)), reverse=True)
    if cursor is not None:
        after = read_cursor(search, visible, cursor)
        ordered = [item for item in ordered if _position(key(item)) < after]
    page = ordered[:limit]
    has_more = len(ordered) > limit
    following = write_cursor(search, visible, _position(key(page[-1]))) if has_more else None
    return Page(page, following)


def _position(key: tuple[int, str]) -> str:
    """Return a text that sorts as `key`; cursors are ASCII."""
    return f"{key[0]:020d}{key[1].encode().hex()}"


def ascending(
    items: Iterable[_Item],
    key: Callable[[_Item], str],
    search: object,
    visible: VisibleCameras,
    limit: int,
    cursor: str | None,
) -> Page[_Item]:
    """Return the page after `cursor` in ascending order of `key`, which is unique."""
    ordered = sorted(items, key=lambda item: key(item).encode())
    if cursor is not None:
        after = read_cursor(search, visible, cursor)
        ordered = [item for item in ordered if key(item).encode().hex() > after]
    page = ordered[:limit]
    has_more = len(ordered) > limit
    last = key(page[-1]).encode().hex() if has_more else ""
    return Page(page, write_cursor(search, visible, last) if has_more else None)
