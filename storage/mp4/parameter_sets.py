"""Parameter sets of H.264 and H.265 as an MP4 file declares them: avcC (ISO/IEC 14496-15, 5.3.3.1)
and hvcC (8.3.3.1). Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from domain.errors import DataLoss

_H264_WITH_CHROMA = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})
"""The profiles whose SPS has chroma format and bit depth (Rec. ITU-T H.264, 7.3.2.1.1)."""
_H264_PLAIN_AVCC = frozenset({66, 77, 88})
_HEVC_VPS, _HEVC_SPS, _HEVC_PPS = 32, 33, 34
_HEVC_PROFILE_BYTES = 12
_MOST_SPS, _MOST_PPS = 31, 255
"""An avcC counts the sets in five and in eight bits."""
_LONGEST_SET_BYTES = 0xFFFF
_LONGEST_GOLOMB = 32


def sample_entry_box(codec: str, sets: Sequence[bytes]) -> bytes:
    """Return the payload of avcC (`h264`) or hvcC (`hevc`) for NAL units without start codes.
    Raises DataLoss if they are incomplete.
    """
    return _avcc(sets) if codec == "h264" else _hvcc(sets)


def _avcc(sets: Sequence[bytes]) -> bytes:
    sps, pps = (
        [unit for unit in sets if unit[0] & 0x1F == kind][:most]
        for kind, most in ((7, _MOST_SPS), (8, _MOST_PPS))
    )
    if not sps or not pps or len(sps[0]) < 4:
        raise DataLoss("the parameter sets lack an SPS or a PPS")
    head = (
        bytes((1, *sps[0][1:4], 0xFC | 3, 0xE0 | len(sps)))
        + _counted(sps)
        + bytes((len(pps),))
        + _counted(pps)
    )
    if sps[0][1] in _H264_PLAIN_AVCC:
        return head
    shape = _h264_shape(sps[0])
    return head + bytes(
        (0xFC | shape.chroma_format, 0xF8 | shape.luma_bits - 8, 0xF8 | shape.chroma_bits - 8, 0)
    )


def _hvcc(sets: Sequence[bytes]) -> bytes:
    arrays = {
        kind: [unit for unit in sets if unit[0] >> 1 & 0x3F == kind]
        for kind in (_HEVC_VPS, _HEVC_SPS, _HEVC_PPS)
    }
    if not all(arrays.values()):
        raise DataLoss("the parameter sets lack a VPS, an SPS or a PPS")
    sps = arrays[_HEVC_SPS][0]
    layers, shape = _hevc_shape(sps)
    profile = _unescaped(sps[2:])[1 : 1 + _HEVC_PROFILE_BYTES]
    head = (
        b"\x01" + profile + b"\xf0\x00\xfc"
    )  # no minimum of spatial segmentation, parallelism unknown
    head += bytes(
        (0xFC | shape.chroma_format, 0xF8 | shape.luma_bits - 8, 0xF8 | shape.chroma_bits - 8, 0, 0)
    )
    head += bytes((layers << 3 | (_unescaped(sps[2:])[0] & 1) << 2 | 3, len(arrays)))
    return head + b"".join(
        bytes((0x80 | kind,)) + len(units).to_bytes(2, "big") + _counted(units)
        for kind, units in arrays.items()
    )


@dataclass(frozen=True, slots=True)
class _Shape:
    chroma_format: int = 1
    luma_bits: int = 8
    chroma_bits: int = 8


def _h264_shape(sps: bytes) -> _Shape:
    if sps[1] not in _H264_WITH_CHROMA:
        return _Shape()
    bits = _Bits(_unescaped(sps[4:]))
    bits.golomb()  # seq_parameter_set_id
    chroma_format = bits.golomb()
    if chroma_format == 3:
        bits.skip(1)
    return _checked(_Shape(chroma_format, 8 + bits.golomb(), 8 + bits.golomb()))


def _hevc_shape(sps: bytes) -> tuple[int, _Shape]:
    """Return the number of temporal layers, and the shape (Rec. ITU-T H.265, 7.3.2.2.1)."""
    bits = _Bits(_unescaped(sps[2:]))
    bits.skip(4)
    sub_layers = bits.read(3)
    bits.skip(1 + 8 * _HEVC_PROFILE_BYTES)
    _skip_sub_layers(bits, sub_layers)
    bits.golomb()  # sps_seq_parameter_set_id
    chroma_format = bits.golomb()
    if chroma_format == 3:
        bits.skip(1)
    bits.golomb()  # width, height
    bits.golomb()
    if bits.read(1):
        for _ in range(4):  # the conformance window
            bits.golomb()
    return sub_layers + 1, _checked(_Shape(chroma_format, 8 + bits.golomb(), 8 + bits.golomb()))


def _skip_sub_layers(bits: _Bits, sub_layers: int) -> None:
    present = [(bits.read(1), bits.read(1)) for _ in range(sub_layers)]
    if sub_layers:
        bits.skip(2 * (8 - sub_layers))
    for has_profile, has_level in present:
        bits.skip(88 * has_profile + 8 * has_level)


def _checked(shape: _Shape) -> _Shape:
    if shape.chroma_format > 3 or shape.luma_bits > 15 or shape.chroma_bits > 15:
        raise DataLoss("the SPS is damaged")
    return shape


class _Bits:
    """Reads bits from the front. Raises DataLoss past the end."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    def read(self, count: int) -> int:
        self.skip(count)
        return self._value >> self._left & (1 << count) - 1

    def skip(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise DataLoss("the SPS is cut off")

    def golomb(self) -> int:
        """Return an unsigned Exp-Golomb code, ue(v)."""
        zeros = 0
        while not self.read(1):
            zeros += 1
            if zeros > _LONGEST_GOLOMB:
                raise DataLoss("the SPS is damaged")
        return (1 << zeros) - 1 + self.read(zeros)


def _counted(units: Sequence[bytes]) -> bytes:
    if any(len(unit) > _LONGEST_SET_BYTES for unit in units):
        raise DataLoss("a parameter set is too long to be one")
    return b"".join(len(unit).to_bytes(2, "big") + unit for unit in units)


def _unescaped(unit: bytes) -> bytes:
    """Return the unit without emulation prevention bytes, as a decoder parses it."""
    return unit.replace(b"\0\0\3", b"\0\0")
