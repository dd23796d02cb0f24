"""Calls the compiled depacketiser (`depacketise.c`), if `build` has built it."""

from __future__ import annotations

import ctypes
import mmap
import threading
from collections.abc import Callable
from functools import cache, partial
from typing import NamedTuple, cast

from ingest.packets.native.build import library_path

CAPACITY_BYTES = 1 << 20
"""The size of a read buffer, which holds what a camera sends between two reads. It holds the
longest interleaved packet (64 KiB) together with the longest answer.
"""
_MAX_UNITS, _MAX_STARTS, _MAX_BYTES = 4096, 16384, 2 * CAPACITY_BYTES


class _CallArguments(ctypes.Structure):
    """Mirrors `struct taking` of the C source, which describes the fields."""

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
                "is_cut",
                "most_bytes",
                "most_units",
                "most_starts",
            )
        ),
    )


class DepacketisedBatch(NamedTuple):
    """Whole pictures, concatenated in `data`. `table` has four numbers for each: timestamp, end in
    `data`, end in `starts`, and flags. `starts` are the positions in `data` of the start codes of
    all NAL units.
    """

    at: int
    """The position of the first packet that was not processed."""
    packets: int
    data: bytes
    table: list[int]
    starts: list[int]


KEY, STARTS_KNOWN = 1, 2
"""The flags of a picture: decoding can begin at it; its NAL units can be written to a file
unchanged.
"""


class _Room(threading.local):
    """The output buffers of one thread. The result of a call is copied before the next call.

    Of the largest one, only what pictures have filled takes memory.
    """

    def __init__(self) -> None:
        self.data = mmap.mmap(-1, _MAX_BYTES, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        units, starts = bytearray(16 * _MAX_UNITS), bytearray(4 * _MAX_STARTS)
        self.addresses = _address(self.data), _address(units), _address(starts)
        self.table, self.starts = memoryview(units).cast("I"), memoryview(starts).cast("I")


class NativeDepacketiser:
    """Depacketises the packets of one stream. Raises OSError if there is an
    `unavailable_reason`.
    """

    def __init__(self, codec: str, payload_type: int, channel: int) -> None:
        self._call = _CallArguments(
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

    @property
    def is_cut(self) -> bool:
        """Whether a regular picture begins where the last call stopped, and its end has not
        arrived.
        """
        return bool(self._call.is_cut)

    def take(
        self, buffer: bytearray, at: int, end: int, number: int, ssrc: int, marked_stamp: int | None
    ) -> DepacketisedBatch | None:
        """Process as many whole and regular pictures in `buffer[at:end]` as there are, framing
        included; None if there is none.

        `number` is the next sequence number, and `marked_stamp` the timestamp of the previous
        picture. `buffer` must never be resized.
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
        return DepacketisedBatch(
            after,
            call.packets,
            bytes(memoryview(room.data)[: table[-3]]),
            table,
            room.starts[: table[-2]].tolist(),
        )


def _address(buffer: bytearray | mmap.mmap) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(buffer))


@cache
def _take() -> Callable[..., int]:
    """Load the function. Raises OSError if the library was not built or cannot be loaded."""
    # PyDLL keeps the interpreter lock, because releasing it takes longer than a call.
    take = ctypes.PyDLL(str(library_path())).sightline_take
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
def unavailable_reason() -> str:
    """Return why packets are depacketised in Python; empty if the compiled code is used."""
    if not library_path().exists():
        return "it was not built (python -m ingest.packets.native.build says why)"
    try:
        _take()
    except OSError as error:
        return str(error)
    return ""


_ROOM = _Room()
