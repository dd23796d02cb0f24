"""Byte ranges of RFC 9110, section 14, of a representation that has a strong ETag.

This module does no I/O.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal

from fastapi import Header

_ONE_RANGE = re.compile(r"bytes=[ \t]*([0-9]{0,20})-([0-9]{0,20})[ \t]*", re.IGNORECASE)
"""Numbers as long as those of 64 bits, which some clients send for "to the end"."""
_RANGES = re.compile(r"bytes=([0-9 \t,-]*)", re.IGNORECASE)
MOST_RANGES = 16
RangeHeader = Annotated[
    str | None, Header(alias="Range", description="byte ranges, such as `bytes=0-1023`")
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


def range_of(method: str, range_header: str | None) -> str | None:
    """Return the `Range` of a request; only that of a GET has a meaning (RFC 9110, 14.2)."""
    return range_header if method == "GET" else None


def select_part(
    range_header: str | None, if_range: str | None, etag: str, size_bytes: int
) -> ByteRange | Literal["whole", "outside"]:
    """Return the range to send, `whole` for the whole representation, or `outside`.

    Malformed ranges, several ranges and a stale If-Range mean the whole, as the RFC allows.
    """
    match = _ONE_RANGE.fullmatch(range_header or "")
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


def select_parts(
    range_header: str | None, if_range: str | None, etag: str, size_bytes: int
) -> list[ByteRange] | Literal["whole", "outside"]:
    """Return the ranges to send, `whole` for the whole representation, or `outside`.

    It is as `select_part`, for up to MOST_RANGES ranges. Those outside the representation are left
    out unless all are; more ranges are `outside`. Ranges that overlap are joined, in ascending
    order, so that no byte is sent twice.
    """
    match = _RANGES.fullmatch(range_header or "")
    if match is None or (if_range is not None and if_range.strip() != etag):
        return "whole"
    parts = [f"bytes={one.strip()}" for one in match[1].split(",") if one.strip()]
    if len(parts) > MOST_RANGES:
        return "outside"
    found = [select_part(part, None, etag, size_bytes) for part in parts]
    if not found or "whole" in found:
        return "whole"
    return _without_overlap([one for one in found if isinstance(one, ByteRange)]) or "outside"


def _without_overlap(parts: Sequence[ByteRange]) -> list[ByteRange]:
    """Return the parts in their order if none overlap, otherwise joined and in ascending order."""
    joined: list[ByteRange] = []
    for part in sorted(parts, key=lambda one: one.first):
        before = joined[-1] if joined else None
        if before is not None and part.first <= before.last:
            joined[-1] = replace(before, last=max(before.last, part.last))
        else:
            joined.append(part)
    return list(parts) if len(joined) == len(parts) else joined


def _suffix(length: int, size_bytes: int) -> ByteRange | Literal["outside"]:
    if length == 0 or size_bytes == 0:
        return "outside"
    return ByteRange(max(0, size_bytes - length), size_bytes - 1, size_bytes)


def multipart(
    parts: Sequence[ByteRange], media_type: str, etag: str
) -> tuple[str, list[bytes | ByteRange]]:
    """Return the media type and the contents of a response with several ranges (RFC 9110, 14.6):
    the heads of the parts, and the ranges that follow them.
    """
    # It is derived from the ETag, so that a request that is repeated has the same bytes.
    boundary = hashlib.sha256(f"{etag} {[part.first for part in parts]}".encode()).hexdigest()[:32]
    contents: list[bytes | ByteRange] = []
    for part in parts:
        head = f"Content-Type: {media_type}\r\nContent-Range: {part.content_range}\r\n\r\n"
        contents += [f"\r\n--{boundary}\r\n{head}".encode(), part]
    return (
        f"multipart/byteranges; boundary={boundary}",
        [*contents, f"\r\n--{boundary}--\r\n".encode()],
    )
