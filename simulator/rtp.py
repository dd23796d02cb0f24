"""Access units into RTP payloads, and RTCP reports: pure bytes, no sockets (RFC 3550, RFC 6184
for H.264, RFC 7798 for H.265).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from enum import StrEnum

from domain.clock import NS_PER_S

PAYLOAD_LIMIT_BYTES = 1400
CLOCK_HZ = 90_000
_NTP_EPOCH_S = 2_208_988_800  # 1900 to 1970


class Codec(StrEnum):
    H264 = "h264"
    HEVC = "hevc"
    PCMA = "pcma"
    PCMU = "pcmu"
    AAC = "aac"


def nal_units(data: bytes, length_size: int) -> list[bytes]:
    """The NAL units of an MP4 sample, each behind a big-endian length of `length_size` bytes;
    raises ValueError where it is cut off.
    """
    units: list[bytes] = []
    at = 0
    while at < len(data):
        size = int.from_bytes(data[at : at + length_size], "big")
        at += length_size
        if size == 0 or at + size > len(data):
            raise ValueError(f"a NAL unit of {size} bytes at byte {at} of a sample of {len(data)}")
        units.append(data[at : at + size])
        at += size
    return units


def nal_type(codec: Codec, nal: bytes) -> int:
    return nal[0] & 0x1F if codec is Codec.H264 else nal[0] >> 1 & 0x3F


def payloads(codec: Codec, nals: Iterable[bytes], limit: int = PAYLOAD_LIMIT_BYTES) -> list[bytes]:
    """The RTP payloads of one access unit, none longer than `limit`: small NAL units together,
    large ones in fragments.
    """
    fragment, aggregate, header_size = _FORMS[codec]
    done: list[bytes] = []
    small: list[bytes] = []

    def flush() -> None:
        if small:
            done.append(small[0] if len(small) == 1 else aggregate(small))
            small.clear()

    for nal in nals:
        if header_size + sum(2 + len(other) for other in small) + 2 + len(nal) > limit:
            flush()
        if len(nal) > limit:
            done.extend(fragment(nal, limit))
        else:
            small.append(nal)
    flush()
    return done


def _stap_a(nals: list[bytes]) -> bytes:
    """RFC 6184, 5.7.1: type 24 with the highest NRI of its parts."""
    nri = max(nal[0] & 0x60 for nal in nals)
    return bytes([nri | 24]) + b"".join(struct.pack(">H", len(nal)) + nal for nal in nals)


def _fu_a(nal: bytes, limit: int) -> list[bytes]:
    """RFC 6184, 5.8: type 28; the second byte says first, last, and the type of the whole."""
    indicator, kind = nal[0] & 0xE0 | 28, nal[0] & 0x1F
    return [bytes([indicator, edge | kind]) + part for edge, part in _parts(nal[1:], limit - 2)]


def _ap(nals: list[bytes]) -> bytes:
    """RFC 7798, 4.4.2: type 48, the lowest layer and temporal id of its parts."""
    layer = min((nal[0] & 1) << 5 | nal[1] >> 3 for nal in nals)
    temporal = min(nal[1] & 7 for nal in nals)
    header = bytes([48 << 1 | layer >> 5, (layer & 31) << 3 | temporal])
    return header + b"".join(struct.pack(">H", len(nal)) + nal for nal in nals)


def _fu(nal: bytes, limit: int) -> list[bytes]:
    """RFC 7798, 4.4.3: type 49; the third byte says first, last, and the type of the whole."""
    header, kind = bytes([nal[0] & 0x81 | 49 << 1, nal[1]]), nal[0] >> 1 & 0x3F
    return [header + bytes([edge | kind]) + part for edge, part in _parts(nal[2:], limit - 3)]


def _parts(body: bytes, size: int) -> list[tuple[int, bytes]]:
    """`body` in pieces of at most `size`, each with its start (0x80) and end (0x40) bits."""
    starts = range(0, len(body), size)
    return [((at == 0) << 7 | (at + size >= len(body)) << 6, body[at : at + size]) for at in starts]


_FORMS: dict[
    Codec, tuple[Callable[[bytes, int], list[bytes]], Callable[[list[bytes]], bytes], int]
] = {
    Codec.H264: (_fu_a, _stap_a, 1),
    Codec.HEVC: (_fu, _ap, 2),
}


def sender_report(ssrc: int, wall_ns: int, timestamp: int, packets: int, size_bytes: int) -> bytes:
    """An RTCP compound of a sender report (`timestamp` is the RTP time of UTC `wall_ns`) and a
    CNAME (RFC 3550, 6.4.1 and 6.5).
    """
    seconds, rest_ns = divmod(wall_ns, NS_PER_S)
    counts = (packets & 0xFFFFFFFF, size_bytes & 0xFFFFFFFF)
    report = struct.pack(
        ">BBHIIIIII",
        0x80,
        200,
        6,
        ssrc,
        seconds + _NTP_EPOCH_S & 0xFFFFFFFF,
        (rest_ns << 32) // NS_PER_S,
        timestamp & 0xFFFFFFFF,
        *counts,
    )
    name = b"simulator"
    item = bytes([1, len(name)]) + name + b"\0"
    item += b"\0" * (-len(item) % 4)
    return report + struct.pack(">BBHI", 0x81, 202, 1 + len(item) // 4, ssrc) + item


def goodbye(ssrc: int) -> bytes:
    """An RTCP BYE (RFC 3550, 6.6); it follows a report in the same compound."""
    return struct.pack(">BBHI", 0x81, 203, 1, ssrc)
