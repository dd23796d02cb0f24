"""NAL units from Annex B, as cameras send them, to lengths, as an MP4 file holds them (ISO/IEC
14496-15, 5.3.2). Pure.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import pairwise
from operator import sub

from domain.media.packet_batch import PacketBatch, PacketOrBatch, single_packets
from ingest.packets import nal

_MARK = nal.START_CODE[1:]
_HEVC_SETS = (32, 33, 34)
_put_length = struct.Struct(">I").pack_into


def put(
    codec: str, received: Sequence[PacketOrBatch], pieces: list[bytes | bytearray]
) -> list[int]:
    """Append the bytes of what `received`, as a file holds them, to `pieces`; the size of each
    packet.
    """
    sizes: list[int] = []
    for one in received:
        if one.starts:
            pieces.append(prefixed(one.data, one.starts))
            sizes += (
                map(sub, one.ends, (0, *one.ends))
                if isinstance(one, PacketBatch)
                else (len(one.data),)
            )
        else:
            sizes += [put_prefixed(codec, packet.data, pieces) for packet in single_packets((one,))]
    return sizes


def prefixed(data: bytes, starts: Sequence[int]) -> bytearray:
    """Where the NAL units are known: lengths take as many bytes as start codes, and are written
    over them.
    """
    changed = bytearray(data)
    for start, end in pairwise((*starts, len(data))):
        _put_length(changed, start, end - start - 4)
    return changed


def put_prefixed(codec: str, data: bytes, pieces: list[bytes | bytearray]) -> int:
    """Append the units of an access unit, each behind its length of four bytes, to `pieces`; the
    bytes added.

    H.265's parameter sets are left out: under hvc1 they are in the file's head alone.
    """
    if (
        data.startswith(nal.START_CODE) and data.find(_MARK, 4) < 0
    ):  # a picture of one slice: nine of ten
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
