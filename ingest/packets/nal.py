"""Parses H.264 and H.265 access units in Annex B: keyframes by NAL type, and parameter sets. Pure.

A keyframe is an IDR picture (H.264) or an IRAP picture (H.265), whatever the container states. A
recording may begin only there. See Rec. ITU-T H.264 table 7-1 and H.265 table 7-1.
"""

from __future__ import annotations

from collections.abc import Iterator

_MARK = b"\x00\x00\x01"
START_CODE = b"\x00\x00\x00\x01"
_H264_SPS, _HEVC_SPS = 7, 33
_H264_SETS = {_H264_SPS: "SPS", 8: "PPS"}
_HEVC_SETS = {32: "VPS", _HEVC_SPS: "SPS", 34: "PPS"}


def keyframe_head(codec: str, data: bytes) -> int:
    """Return the position of the first slice of a keyframe (its start code), or -1 if `data` is not
    a keyframe.

    Only delimiters, parameter sets and SEI precede it. No unit after the first slice is read.
    """
    at = data.find(_MARK)
    while 0 <= at < len(data) - 3:
        header = data[at + 3]
        if codec == "h264":
            kind = header & 0x1F
            if 1 <= kind <= 5:
                return at if kind == 5 else -1
        else:
            kind = header >> 1 & 0x3F
            if kind < 32:
                return at if 16 <= kind <= 23 else -1
        at = data.find(_MARK, at + 3)
    return -1


def units(data: bytes) -> Iterator[bytes]:
    """Yield the NAL units of Annex B bytes, without start codes and trailing zeros."""
    for piece in data.split(_MARK)[1:]:
        unit = piece.rstrip(b"\x00")
        if unit:
            yield unit


def parameter_sets(codec: str, data: bytes) -> tuple[bytes, ...]:
    """Return the SPS and PPS (and VPS) among the units of `data`, each once, in order."""
    required = _H264_SETS if codec == "h264" else _HEVC_SETS
    return tuple(dict.fromkeys(unit for unit in units(data) if _kind(codec, unit) in required))


def lacking_sets(codec: str, sets: tuple[bytes, ...]) -> list[str]:
    """Return the kinds of parameter set that a decoder needs and `sets` lacks."""
    present = {_kind(codec, unit) for unit in sets}
    required = _H264_SETS if codec == "h264" else _HEVC_SETS
    return [name for kind, name in required.items() if kind not in present]


def has_sps(codec: str, sets: tuple[bytes, ...]) -> bool:
    required = _H264_SPS if codec == "h264" else _HEVC_SPS
    return any(_kind(codec, unit) == required for unit in sets)


def annex_b(sets: tuple[bytes, ...]) -> bytes:
    return b"".join(START_CODE + unit for unit in sets)


def _kind(codec: str, unit: bytes) -> int:
    return unit[0] & 0x1F if codec == "h264" else unit[0] >> 1 & 0x3F
