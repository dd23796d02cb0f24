"""Byte ranges of RFC 9110, section 14: one range of a representation that has a strong ETag.

This module does no I/O.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Header

_ONE_RANGE = re.compile(r"^bytes=\s*(\d{0,18})-(\d{0,18})\s*$")
RangeHeader = Annotated[
    str | None, Header(alias="Range", description="one byte range, such as `bytes=0-1023`")
]
IfRange = Annotated[
    str | None, Header(alias="If-Range", description="the ETag that the range is meant for")
]


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes `first` to `last`, both included, of `size_bytes`."""

    first: int
    last: int
    size_bytes: int

    @property
    def length_bytes(self) -> int:
        return self.last - self.first + 1

    @property
    def content_range(self) -> str:
        return f"bytes {self.first}-{self.last}/{self.size_bytes}"


def select_part(
    range_header: str | None, if_range: str | None, etag: str, size_bytes: int
) -> ByteRange | Literal["whole", "outside"]:
    """Return the range to send, `whole` for the whole representation, or `outside`.

    Malformed ranges, several ranges and a stale If-Range mean the whole, as the RFC allows.
    """
    match = _ONE_RANGE.match(range_header or "")
    if match is None or (if_range is not None and if_range.strip() != etag):
        return "whole"
    first, last = match[1], match[2]
    if not first and not last:
        return "whole"
    if not first:
        return _suffix(int(last), size_bytes)
    if last and int(last) < int(first):
        return "whole"
    if int(first) >= size_bytes:
        return "outside"
    return ByteRange(
        int(first), min(int(last), size_bytes - 1) if last else size_bytes - 1, size_bytes
    )


def _suffix(length: int, size_bytes: int) -> ByteRange | Literal["outside"]:
    if length == 0 or size_bytes == 0:
        return "outside"
    return ByteRange(max(0, size_bytes - length), size_bytes - 1, size_bytes)
