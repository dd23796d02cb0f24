"""Converts NAL units from Annex B, as cameras send them, to length prefixes, as MP4 files store
them (ISO/IEC 14496-15, 5.3.2). Pure.
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


def append_prefixed(
    codec: str, received: Sequence[PacketOrBatch], pieces: list[bytes | bytearray]
) -> list[int]:
    """Append the packets in the format of a file to `pieces`, and return the size of each
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
            sizes += [append_unit(codec, packet.data, pieces) for packet in single_packets((one,))]
    return sizes


def prefixed(data: bytes, starts: Sequence[int]) -> bytearray:
    """Return `data` with its start codes overwritten by lengths, which have the same size. `starts`
    are the positions of all start codes.
    """
    changed = bytearray(data)
    for start, end in pairwise((*starts, len(data))):
        _put_length(changed, start, end - start - 4)
    return changed


def append_unit(codec: str, data: bytes, pieces: list[bytes | bytearray]) -> int:
    """Append the units of an access unit, each after its length of four bytes, to `pieces`. Return
    the number of bytes added.

    Parameter sets of H.265 are left out, because hvc1 stores them only in the file's header.
    """
    if (
        data.startswith(nal.START_CODE) and data.find(_MARK, 4) < 0
    ):  # nine of ten pictures have one slice
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
