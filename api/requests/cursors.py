"""Opaque cursors of pages. A cursor is bound to the search that it belongs to."""

from __future__ import annotations

import base64
import binascii
import hashlib

from domain.errors import QueryInvalid

_MARK_BYTES = 9
NO_CURSOR = "is no cursor; pass on `next` of the previous page without a change"


def write_cursor(search: object, after: str) -> str:
    """Return a cursor to the items after `after` in `search`, which its repr identifies."""
    return base64.urlsafe_b64encode(_mark(search) + after.encode()).decode().rstrip("=")


def read_cursor(search: object, cursor: str) -> str:
    """Return the `after` of a cursor. Raises QueryInvalid for a malformed cursor, or one of
    another search.
    """
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        mark, after = raw[:_MARK_BYTES], raw[_MARK_BYTES:].decode("ascii")
    except (binascii.Error, ValueError) as error:
        raise QueryInvalid("next", NO_CURSOR) from error
    if not after:
        raise QueryInvalid("next", NO_CURSOR)
    if mark != _mark(search):
        raise QueryInvalid(
            "next",
            "belongs to a search with other filters; repeat those, or begin again without `next`",
        )
    return after


def _mark(search: object) -> bytes:
    return hashlib.sha256(repr(search).encode()).digest()[:_MARK_BYTES]
