"""The parameter sets that a keyframe carries (Annex B of H.264 and of H.265), found without parsing what is in them."""

from __future__ import annotations

_START = b"\0\0\1"
_WANTED = {"h264": frozenset({7, 8}), "hevc": frozenset({32, 33, 34})}
"""SPS, PPS (table 7-1 of H.264); VPS, SPS, PPS (table 7-1 of H.265)."""


def parameter_sets(codec: str, access_unit: bytes) -> bytes:
    """The parameter sets before the first slice, in Annex B; empty unless every kind that the codec needs is there."""
    kinds: set[int] = set()
    found = bytearray()
    at = access_unit.find(_START)
    while 0 <= at < len(access_unit) - len(_START):
        begin = at + len(_START)
        kind = _kind(codec, access_unit[begin])
        if _is_slice(codec, kind):  # a slice is long: it is never searched
            break
        at = access_unit.find(_START, begin)
        if kind in _WANTED[codec]:
            kinds.add(kind)
            found += b"\0" + _START + access_unit[begin : at if at >= 0 else None].rstrip(b"\0")
    return bytes(found) if kinds == _WANTED[codec] else b""


def _kind(codec: str, header: int) -> int:
    return header & 0x1F if codec == "h264" else (header >> 1) & 0x3F


def _is_slice(codec: str, kind: int) -> bool:
    return 1 <= kind <= 5 if codec == "h264" else kind < 32
