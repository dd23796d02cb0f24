"""The compiled depacketiser (`depacketise.c`) as Python calls it, where `build` has built it."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from functools import cache, partial
from typing import NamedTuple, cast

from ingest.packets.native.build import library

CAPACITY_BYTES = 256 << 10
"""The size of a read buffer: more than the longest interleaved packet (64 KiB) and the longest
answer together.
"""
_MAX_UNITS, _MAX_STARTS, _MAX_BYTES = 4096, 16384, 2 * CAPACITY_BYTES


class _Taking(ctypes.Structure):
    """`struct taking` of the source, which says what each is."""

    _fields_ = (
        *((name, ctypes.c_uint32) for name in ("is_hevc", "channel", "payload_type", "ssrc")),
        ("marked_stamp", ctypes.c_int64),
        *(
            (name, ctypes.c_uint32)
            for name in (
                "next",
                "packets",
                "units",
                "starts",
                "most_bytes",
                "most_units",
                "most_starts",
            )
        ),
    )


class Taken(NamedTuple):
    """Whole pictures, one behind the other in `data`, and for each its (time stamp, end of its
    bytes, end of its part of `starts`, flags). `starts`: where in `data` the start codes of all NAL
    units lie.
    """

    at: int
    """Where the first packet lies that was left."""
    packets: int
    data: bytes
    table: list[int]
    starts: list[int]


KEY, AS_IT_IS = 1, 2
"""Flags: the picture is one that decoding can begin at; each of its NAL units can go into a
file as it is.
"""


class _Room(threading.local):
    """Where one thread's calls write to: what they took is read out before the next."""

    def __init__(self) -> None:
        self.data = bytearray(_MAX_BYTES)
        units, starts = bytearray(16 * _MAX_UNITS), bytearray(4 * _MAX_STARTS)
        self.addresses = _address(self.data), _address(units), _address(starts)
        self.table, self.starts = memoryview(units).cast("I"), memoryview(starts).cast("I")


class Taking:
    """Takes the packets of one stream. Raises OSError where there is a `why_not`."""

    def __init__(self, codec: str, payload_type: int, channel: int) -> None:
        self._call = _Taking(
            codec == "hevc",
            channel,
            payload_type,
            most_bytes=_MAX_BYTES,
            most_units=_MAX_UNITS,
            most_starts=_MAX_STARTS,
        )
        self._take = partial(_take(), ctypes.byref(self._call))
        self._buffer: bytearray | None = None
        self._address = 0

    def take(
        self, buffer: bytearray, at: int, end: int, number: int, ssrc: int, marked_stamp: int | None
    ) -> Taken | None:
        """As many pictures as lie whole and plain in `buffer[at:end]`, framing and all; None where
        not even one does.

        `number`: the next packet's; `marked_stamp`: of the picture before. `buffer` must never be
        resized.
        """
        if buffer is not self._buffer:
            self._buffer, self._address = buffer, _address(buffer)
        call, room = self._call, _ROOM
        call.next, call.ssrc, call.marked_stamp = (
            number,
            ssrc,
            -1 if marked_stamp is None else marked_stamp,
        )
        after = self._take(self._address, at, end, *room.addresses)
        units = call.units
        if not units:
            return None
        table = room.table[: 4 * units].tolist()
        return Taken(
            after,
            call.packets,
            bytes(memoryview(room.data)[: table[-3]]),
            table,
            room.starts[: table[-2]].tolist(),
        )


def _address(buffer: bytearray) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(buffer))


@cache
def _take() -> Callable[..., int]:
    """Raises OSError where it was not built, or cannot be loaded here."""
    # PyDLL: the interpreter lock is kept, since handing it over takes longer than a call.
    take = ctypes.PyDLL(str(library())).sightline_take
    take.argtypes = [
        ctypes.c_void_p,
        ctypes.c_void_p,
        ctypes.c_int64,
        ctypes.c_int64,
        ctypes.c_void_p,
        ctypes.c_void_p,
        ctypes.c_void_p,
    ]
    take.restype = ctypes.c_int64
    return cast("Callable[..., int]", take)


@cache
def why_not() -> str:
    """Why packets are taken apart in Python alone; empty where they are not."""
    if not library().exists():
        return "it was not built (python -m ingest.packets.native.build says why)"
    try:
        _take()
    except OSError as error:
        return str(error)
    return ""


_ROOM = _Room()
