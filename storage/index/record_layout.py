"""The forty bytes in which the index stores an event, and typed access to their fields. Pure.

| bytes | field |
|---|---|
| 4 | bits 0-21: start within its hour, ms; then face 1, clip state 2, has a plate 1, colour 3, \
  sender's time 1, has alternatives 1, overflow 1 |
| 10 | the id without its time |
| 2 + 2 | best moment and end, ms after the start |
| 6 | the plate's code (`plate_code`); zeros if there is none, or if it was not read |
| 4 | the place: the first bytes of the SHA-256 of camera, class, area and location |
| 2 + 2 | confidence, and the plate's, in ten-thousandths |
| 8 | the box, each side in ten-thousandths, which take 14 bits. Bits 14 and 15 of all four \
  sides form a byte, the left side's lowest: 3 bits direction, 3 lane, 2 count line (0 none, \
  1 the first from its left, 2 the first from its right) |

An event that its record cannot restore exactly has an overflow record: the event is stored
separately as JSON, and the record only serves to find it. A record of zeros was removed.
"""

from __future__ import annotations

import struct
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from domain.events.event import Direction
from storage.index.plate_code import NO_PLATE

RECORD_STRUCT = struct.Struct("<I10sHH6s4sHHHHHH")
RECORD_BYTES = RECORD_STRUCT.size
RECORD_DTYPE = np.dtype(
    [
        ("bits", "<u4"),
        ("tail_high", ">u8"),
        ("tail_low", ">u2"),
        ("best", "<u2"),
        ("end", "<u2"),
        ("plate", "u1", 6),
        ("place", "<u4"),
        ("confidence", "<u2"),
        ("plate_confidence", "<u2"),
        ("box", "<u2", 4),
    ]
)
"""The same fields for numpy, which reads many records in one operation."""
_ENDING_IN_PLATE = np.dtype(
    {"names": ["eight"], "formats": [">u8"], "offsets": [16], "itemsize": RECORD_BYTES}
)
_PLATE_MASK = np.uint64((1 << 48) - 1)
START_BITS = (1 << 22) - 1
FACE, PLATE, SENDER, ALTERNATIVES, OVERFLOW = 1 << 22, 1 << 25, 1 << 29, 1 << 30, 1 << 31
CLIP_SHIFT, COLOR_SHIFT = 23, 26
CLIP_MASK = 3
PARTS = 10_000
"""Confidences and the sides of the box are stored as this part of one."""
NO_PLACE = bytes(4)
"""The place name of a record that names no place."""
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)
"""The directions by number; 0 means that none was recorded."""
SPARE_SHIFT = 14
"""The two bits of a side above this one hold a part of the direction byte."""
LANE_SHIFT, LANE_MOST, CROSSED_SHIFT = 3, 7, 6


class IndexRecord(bytes):
    """The record of one event; its fields are read by name."""

    __slots__ = ()

    @property
    def bits(self) -> int:
        return int.from_bytes(self[:4], "little")

    @property
    def start_in_hour_ms(self) -> int:
        return self.bits & START_BITS

    @property
    def is_face(self) -> bool:
        return bool(self.bits & FACE)

    @property
    def clip_state(self) -> int:
        """The event's `Event.clip_state`."""
        return self.bits >> CLIP_SHIFT & CLIP_MASK

    @property
    def has_alternatives(self) -> bool:
        return bool(self.bits & ALTERNATIVES)

    @property
    def is_overflow(self) -> bool:
        """Whether the event is stored as JSON, because the record cannot restore it exactly."""
        return bool(self.bits & OVERFLOW)

    @property
    def is_removed(self) -> bool:
        return not any(self)

    @property
    def id_tail(self) -> bytes:
        """The event's id without its time."""
        return self[4:14]

    @property
    def end_after_ms(self) -> int:
        """The end after the start; an overflow record may hold less than the event's."""
        return int.from_bytes(self[16:18], "little")

    @property
    def plate_code(self) -> bytes:
        return self[18:24]

    @property
    def has_plate_code(self) -> bool:
        return self.plate_code != NO_PLATE

    @property
    def place_name(self) -> bytes:
        return self[24:28]

    def without_place(self) -> IndexRecord:
        """Return the overflow record of the same event that names no place."""
        bits = (self.bits | OVERFLOW).to_bytes(4, "little")
        return IndexRecord(bits + self[4:24] + NO_PLACE + self[28:])


def split_records(block: bytes) -> list[IndexRecord]:
    """Return the records of a block, removed ones included, in their order."""
    return [IndexRecord(block[at : at + RECORD_BYTES]) for at in range(0, len(block), RECORD_BYTES)]


def overflow_flags(records: NDArray[np.void]) -> NDArray[np.bool_]:
    """Return for each of many records whether it is an overflow record."""
    flags: NDArray[np.bool_] = (records["bits"] & np.uint32(OVERFLOW)) != 0
    return flags


def plate_numbers(records: NDArray[np.void]) -> NDArray[np.uint64]:
    """Return the plate code of each of many records as a number; 0 means none."""
    eight: NDArray[np.uint64] = records.view(_ENDING_IN_PLATE)["eight"].astype(np.uint64)
    return eight & _PLATE_MASK


def way_matches(
    boxes: NDArray[np.uint16], direction: Direction | None, lane: int | None
) -> NDArray[np.bool_]:
    """Return for each box of records without overflow whether direction and lane match; None
    matches any.
    """
    parts = boxes >> SPARE_SHIFT
    ways = parts[:, 0] | parts[:, 1] << 2 | parts[:, 2] << 4 | parts[:, 3] << 6
    fits = np.ones(len(boxes), np.bool_)
    if direction is not None:
        fits &= (ways & 7) == DIRECTIONS.index(direction)
    if lane is not None:
        fits &= (ways >> LANE_SHIFT & LANE_MOST) == lane
    return fits
