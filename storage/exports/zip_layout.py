"""A ZIP file as a virtual file: its headers are computed, and its members are elsewhere.

Members are stored without compression. Their sizes and CRC-32 are known before the file is made,
so its length is known before its first byte, and any range of bytes can be read. ZIP64 fields are
used where a size or an offset needs them. The format is that of PKWARE's APPNOTE 6.3.10. Pure.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

_LOCAL, _CENTRAL, _END = 0x04034B50, 0x02014B50, 0x06054B50
_END_64, _LOCATOR_64 = 0x06064B50, 0x07064B50
_MOST_16, _MOST_32 = 0xFFFF, 0xFFFFFFFF
"""These values say that the ZIP64 field has the number."""
_UTF_8_NAMES = 1 << 11
_STORED = 0
_VERSION, _VERSION_64 = 20, 45
_MADE_ON_UNIX = 3 << 8
_REGULAR_FILE = 0o100644 << 16
_EXTRA_64, _EXTRA_TIMES = 0x0001, 0x5455
_HAS_MODIFIED = 1
_LATEST_EXTRA_S = (1 << 31) - 1
"""Many programs read the time of the extra field as a signed number of 32 bits."""
_FIRST_YEAR, _LAST_YEAR = 1980, 2107
"""The years that the time of a member can have."""


@dataclass(frozen=True, slots=True)
class ZipMember:
    """A member of a ZIP file, whose bytes are elsewhere."""

    name: str
    """Its path in the ZIP file, with `/`."""
    size_bytes: int
    crc32: int
    modified_s: int
    """The time that it shows (UTC)."""


@dataclass(frozen=True, slots=True)
class MemberBytes:
    """Consecutive bytes of a member that are in the ZIP file."""

    member: int
    """The number of the member in the ZIP file."""
    offset: int
    length_bytes: int


class ZipLayout:
    """The layout of a ZIP file. It is immutable."""

    def __init__(self, members: Sequence[ZipMember]) -> None:
        """Lay members out in their order. Raises ValueError if two have the same name."""
        if len({member.name for member in members}) != len(members):
            raise ValueError("two members of a ZIP file have the same name")
        self._parts: list[bytes | MemberBytes] = []
        self._starts: list[int] = []
        self.size_bytes = 0
        directory = b""
        for number, member in enumerate(members):
            directory += _central_header(member, self.size_bytes)
            self._add(_local_header(member))
            if member.size_bytes:
                self._add(MemberBytes(number, 0, member.size_bytes))
        self._add(directory + _end(len(members), len(directory), self.size_bytes))

    def _add(self, part: bytes | MemberBytes) -> None:
        self._parts.append(part)
        self._starts.append(self.size_bytes)
        self.size_bytes += len(part) if isinstance(part, bytes) else part.length_bytes

    @property
    def headers(self) -> bytes:
        """All bytes of the file that are not of a member."""
        return b"".join(part for part in self._parts if isinstance(part, bytes))

    def parts(self, first: int, length_bytes: int) -> Iterator[bytes | MemberBytes]:
        """Yield what the bytes from `first` on consist of: parts of headers, and of members."""
        end = min(first + length_bytes, self.size_bytes)
        number = bisect_right(self._starts, first) - 1
        while first < end:
            part, skipped = self._parts[number], first - self._starts[number]
            if isinstance(part, bytes):
                found: bytes | MemberBytes = part[skipped : skipped + end - first]
                first += len(part) - skipped
            else:
                length = min(part.length_bytes - skipped, end - first)
                found = MemberBytes(part.member, part.offset + skipped, length)
                first += part.length_bytes - skipped
            yield found
            number += 1


def _local_header(member: ZipMember) -> bytes:
    size = member.size_bytes
    is_large = size >= _MOST_32
    extra = struct.pack("<HHQQ", _EXTRA_64, 16, size, size) if is_large else b""
    extra += _times_extra(member)
    size = _MOST_32 if is_large else size
    version = _VERSION_64 if is_large else _VERSION
    name = member.name.encode()
    return struct.pack("<L", _LOCAL) + _fields(member, version, size, extra) + name + extra


def _central_header(member: ZipMember, offset: int) -> bytes:
    size = member.size_bytes
    numbers: list[int] = []
    if size >= _MOST_32:
        numbers, size = [size, size], _MOST_32
    if offset >= _MOST_32:
        numbers, offset = [*numbers, offset], _MOST_32
    extra = b""
    if numbers:
        extra = struct.pack(f"<HH{len(numbers)}Q", _EXTRA_64, 8 * len(numbers), *numbers)
    extra += _times_extra(member)
    version = _VERSION_64 if numbers else _VERSION
    return (
        struct.pack("<LH", _CENTRAL, _MADE_ON_UNIX | _VERSION_64)
        + _fields(member, version, size, extra)
        + struct.pack("<HHHLL", 0, 0, 0, _REGULAR_FILE, offset)
        + member.name.encode()
        + extra
    )


def _fields(member: ZipMember, version: int, size: int, extra: bytes) -> bytes:
    """Return the fields that both headers of a member have: from the version that is needed to read
    it to the length of the extra fields.
    """
    time, date = _dos_time(member.modified_s)
    lengths = len(member.name.encode()), len(extra)
    return struct.pack(
        "<HHHHHLLLHH",
        *(version, _UTF_8_NAMES, _STORED, time, date, member.crc32, size, size, *lengths),
    )


def _end(count: int, directory_bytes: int, directory_at: int) -> bytes:
    """Return the end of the central directory, with its ZIP64 form where that is needed."""
    is_large = count >= _MOST_16 or max(directory_bytes, directory_at) >= _MOST_32
    numbers = (count, count, directory_bytes, directory_at)
    large = b""
    if is_large:
        versions = (_MADE_ON_UNIX | _VERSION_64, _VERSION_64)
        large = struct.pack("<LQHHLLQQQQ", _END_64, 44, *versions, 0, 0, *numbers)
        large += struct.pack("<LLQL", _LOCATOR_64, 0, directory_at + directory_bytes, 1)
    counts = (min(count, _MOST_16),) * 2
    places = (min(directory_bytes, _MOST_32), min(directory_at, _MOST_32))
    return large + struct.pack("<LHHHHLLH", _END, 0, 0, *counts, *places, 0)


def _times_extra(member: ZipMember) -> bytes:
    """Return the field with the time in UTC; the time of the header has no zone."""
    if not 0 <= member.modified_s <= _LATEST_EXTRA_S:
        return b""
    return struct.pack("<HHBL", _EXTRA_TIMES, 5, _HAS_MODIFIED, member.modified_s)


def _dos_time(wall_s: int) -> tuple[int, int]:
    """Return the time and the date of a header, in UTC and to two seconds."""
    at = datetime.fromtimestamp(wall_s, UTC)
    year = min(max(at.year, _FIRST_YEAR), _LAST_YEAR)
    time = at.hour << 11 | at.minute << 5 | at.second // 2
    return time, (year - _FIRST_YEAR) << 9 | at.month << 5 | at.day
