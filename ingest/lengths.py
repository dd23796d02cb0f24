"""NAL units from Annex B, as cameras send them, to lengths, as an MP4 file holds them (ISO/IEC 14496-15, 5.3.2). Pure."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from domain.media import Packet
from ingest import nal

_MARK = nal.START_CODE[1:]
_HEVC_SETS = (32, 33, 34)
_put_length = struct.Struct(">I").pack_into


def put(codec: str, packets: Sequence[Packet], pieces: list[bytes | bytearray]) -> list[int]:
    """Append the bytes of `packets`, as a file holds them, to `pieces`; the size of each."""
    starts = [packet.starts for packet in packets]
    datas = [packet.data for packet in packets]
    if all(starts):
        pieces.append(prefixed(datas, starts))
        return list(map(len, datas))
    sizes = []
    for data, own in zip(datas, starts, strict=True):
        if own:
            pieces.append(prefixed([data], [own]))
            sizes.append(len(data))
        else:
            sizes.append(put_prefixed(codec, data, pieces))
    return sizes


def prefixed(datas: Sequence[bytes], starts: Sequence[Sequence[int]]) -> bytearray:
    """One behind the other, where the NAL units of each are known: lengths take as many bytes as start codes, and are written over them."""
    joined = bytearray().join(datas)
    at = 0
    for data, own in zip(datas, starts, strict=True):
        begin = at
        if len(own) > 1:
            for start in own[1:]:
                _put_length(joined, begin, at + start - begin - 4)
                begin = at + start
        at += len(data)
        _put_length(joined, begin, at - begin - 4)
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
