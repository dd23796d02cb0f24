"""RTP packets, read in place (RFC 3550, 5): where the payload is, which packets are missing,
and time stamps that never wrap. Pure.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

HEADER = struct.Struct(">BBHII")
"""Flags, marker and payload type, sequence, time stamp, SSRC."""
PLAIN = 0x80
"""The first byte of a packet whose payload lies right behind the fixed header, with nothing
after it.
"""
MAX_GAP = 3000
"""A leap of sequence numbers beyond this is a counter that began anew (A.1), and no loss that
can be counted.
"""
_PADDED, _EXTENDED, _SOURCES = 0x20, 0x10, 0x0F
_HALF, _WHOLE = 1 << 31, 1 << 32


def payload_bounds(buffer: bytes | bytearray, start: int, stop: int) -> tuple[int, int]:
    """Where the payload of the packet in `buffer[start:stop]` begins and ends: (0, 0) where the
    packet is damaged or has none.
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
    """From one 32-bit time stamp to another the short way round."""
    return (stamp - before + _HALF) % _WHOLE - _HALF


class Numbers:
    """A stream's sequence numbers, with wraps above their 16 bits, and how many are missing."""

    def __init__(self) -> None:
        self.highest = 0
        self.lost = 0
        self.ssrc = 0
        self._next: int | None = None

    def is_next(self, sequence: int, ssrc: int) -> bool:
        """Count one in; False where some are missing before it, or another stream begins."""
        missing = 0 if self._next is None or ssrc != self.ssrc else sequence - self._next & 0xFFFF
        if self._next is None or ssrc != self.ssrc or missing > MAX_GAP:
            self.ssrc, self.highest, missing = ssrc, sequence - 1, -1
        else:
            self.lost += missing
        self.highest += 1 + max(missing, 0)
        self._next = sequence + 1 & 0xFFFF
        return missing == 0


class Ticks:
    """32-bit time stamps as whole numbers from 0 on, that go on where the counter wraps."""

    def __init__(self) -> None:
        self._last: int | None = None
        self._ticks = 0

    def of(self, stamp: int) -> int:
        return self.all([stamp])[0]

    def all(self, stamps: Sequence[int]) -> list[int]:
        """Of those that follow each other."""
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
