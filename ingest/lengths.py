"""NAL units from Annex B, as cameras send them, to lengths, as an MP4 file holds them (ISO/IEC 14496-15, 5.3.2). Pure."""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence

from ingest import nal

_MARK = nal.START_CODE[1:]
_HEVC_SETS = (32, 33, 34)
_marks = re.compile(_MARK).finditer
"""Finds them in half the time that `bytes.find` takes."""
_put_length = struct.Struct(">I").pack_into


def prefixed_in_place(codec: str, datas: Sequence[bytes]) -> bytearray | None:
    """Access units one behind the other, as `put_prefixed` gives them, where each NAL unit of theirs has a start code of four bytes.

    Lengths take as many, so they are written over them, and each access unit keeps its size. None where anything needs a closer look.
    """
    if not all(data.startswith(nal.START_CODE) for data in datas):
        return None
    joined = bytearray().join(datas)
    begins = [match.start() + 3 for match in _marks(joined)]
    if not joined or not joined[-1]:
        return None
    end = len(joined)
    for begin in reversed(begins):
        size = end - begin
        if size <= 0 or joined[begin - 4] or not joined[end - 1]:
            return None
        if codec == "hevc" and joined[begin] >> 1 & 0x3F in _HEVC_SETS:
            return None
        _put_length(joined, begin - 4, size)
        end = begin - 4
    return joined


def put_prefixed(codec: str, data: bytes, pieces: list[bytes | bytearray]) -> int:
    """Append the units of an access unit, each behind its length of four bytes, to `pieces`; the bytes added.

    H.265's parameter sets are left out: under hvc1 they are in the file's head alone.
    """
    if data.startswith(nal.START_CODE) and data.find(_MARK, 4) < 0:  # a picture of one slice: nine of ten
        unit = data[4:].rstrip(b"\0")
        pieces += (len(unit).to_bytes(4, "big"), unit)
        return 4 + len(unit)
    size = 0
    for unit in nal.units(data):
        if codec == "hevc" and unit[0] >> 1 & 0x3F in _HEVC_SETS:
            continue
        pieces += (len(unit).to_bytes(4, "big"), unit)
        size += 4 + len(unit)
    return size
