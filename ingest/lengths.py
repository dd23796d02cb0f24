"""NAL units from Annex B, as cameras send them, to lengths, as an MP4 file holds them (ISO/IEC 14496-15, 5.3.2). Pure."""

from __future__ import annotations

from ingest import nal

_MARK = nal.START_CODE[1:]
_HEVC_SETS = (32, 33, 34)


def put_prefixed(codec: str, data: bytes, pieces: list[bytes]) -> int:
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
