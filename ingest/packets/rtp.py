"""Parses RTP packets in place (RFC 3550, 5): payload, missing packets, and timestamps without
wraps. Pure.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

HEADER = struct.Struct(">BBHII")
"""The fixed header: flags, marker and payload type, sequence number, timestamp, SSRC."""
PLAIN = 0x80
"""The first byte of a packet without extension, padding or contributing sources."""
MAX_GAP = 3000
"""A larger jump of sequence numbers is a restart of the sender (A.1), and not a countable loss."""
_PADDED, _EXTENDED, _SOURCES = 0x20, 0x10, 0x0F
_HALF, _WHOLE = 1 << 31, 1 << 32


def payload_bounds(buffer: bytes | bytearray, start: int, stop: int) -> tuple[int, int]:
    """Return the bounds of the payload of the packet in `buffer[start:stop]`; (0, 0) if it is
    damaged or has none.
    """
    flags = buffer[start] if stop - start >= HEADER.size else 0
    if flags & 0xC0 != PLAIN:
        return 0, 0
    begin = start + HEADER.size + 4 * (flags & _SOURCES)
    if flags & _EXTENDED and begin + 4 <= stop:
        begin += 4 + 4 * int.from_bytes(buffer[begin + 2 : begin + 4], "big")
    if flags & _PADDED:
        stop -= buffer[stop - 1]
    return (begin, stop) if begin < stop else (0, 0)


def signed_step(stamp: int, before: int) -> int:
    """Return the signed distance from one 32-bit timestamp to another."""
    return (stamp - before + _HALF) % _WHOLE - _HALF


class SequenceNumbers:
    """Extends the sequence numbers of a stream beyond 16 bits, and counts missing packets."""

    def __init__(self) -> None:
        self.highest = 0
        self.lost = 0
        self.ssrc = 0
        self._next: int | None = None

    def is_next(self, sequence: int, ssrc: int) -> bool:
        """Process one number. Return False if packets are missing before it, or if another stream
        begins.
        """
        missing = 0 if self._next is None or ssrc != self.ssrc else sequence - self._next & 0xFFFF
        if self._next is None or ssrc != self.ssrc or missing > MAX_GAP:
            self.ssrc, self.highest, missing = ssrc, sequence - 1, -1
        else:
            self.lost += missing
        self.highest += 1 + max(missing, 0)
        self._next = sequence + 1 & 0xFFFF
        return missing == 0


class TimestampUnwrapper:
    """Converts 32-bit timestamps to numbers from 0 on that do not wrap."""

    def __init__(self) -> None:
        self._last: int | None = None
        self._ticks = 0

    def unwrap(self, stamp: int) -> int:
        return self.unwrap_all([stamp])[0]

    def unwrap_all(self, stamps: Sequence[int]) -> list[int]:
        """Convert consecutive timestamps."""
        found: list[int] = []
        last, ticks = self._last, self._ticks
        for stamp in stamps:
            if last is not None:
                step = stamp - last
                ticks += step if 0 <= step < _HALF else (step + _HALF) % _WHOLE - _HALF
            last = stamp
            found.append(ticks)
        self._last, self._ticks = last, ticks
        return found
