"""RTP packets of drawn pictures, and the access units that are made of them."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import pytest

from ingest.packets.depacketise import AccessUnits
from ingest.packets.native.depacketiser import CAPACITY_BYTES
from ingest.rtsp.wire import Wire
from simulator.rtp import Codec, payloads

TYPES = {"h264": Codec.H264, "hevc": Codec.HEVC}
SLICE = {"h264": b"\x41\x9a", "hevc": b"\x02\x01\xd0"}
LATER = {"h264": b"\x41\x1a", "hevc": b"\x02\x01\x50"}
"""A slice that is not its picture's first."""

SET = {"h264": b"\x67\x64", "hevc": b"\x42\x01\x01"}
CODECS = pytest.mark.parametrize("codec", ["h264", "hevc"])
Sent = tuple[int, bool, bytes]
"""Time stamp, marker, payload."""


class Media:
    def __init__(self, codec: str) -> None:
        self.units = AccessUnits(codec, 96)
        self.consume_pictures = self.units.consume_pictures

    def put(self, buffer: bytearray, channel: int, start: int, stop: int) -> None:
        if channel == 0:
            self.units.put(buffer, start, stop)


def sent(
    codec: str, pictures: Sequence[tuple[int, Sequence[bytes]]], limit: int = 60
) -> list[Sent]:
    packets: list[Sent] = []
    for stamp, nals in pictures:
        parts = payloads(TYPES[codec], nals, limit)
        packets += [(stamp, part is parts[-1], part) for part in parts]
    return packets


def received(
    codec: str,
    packets: Sequence[Sent],
    lost: Sequence[int] = (),
    first: int = 65_530,
    flags: int = 0x80,
) -> AccessUnits:
    """Send the packets through a wire as over TCP, without those whose index is in `lost`."""
    media, wire = Media(codec), Wire((0, 1), bytearray(CAPACITY_BYTES))
    for index, (stamp, marker, payload) in enumerate(packets):
        if index not in lost:
            rtp = (
                struct.pack(">BBHII", flags, marker << 7 | 96, first + index & 0xFFFF, stamp, 7)
                + payload
            )
            data = struct.pack(">BBH", 0x24, 0, len(rtp)) + rtp
            wire.room()[: len(data)] = data
            wire.deliver(len(data), media)
    wire.end(media)
    return media.units


def starts(nals: Sequence[bytes]) -> list[int]:
    """Return the positions of the start codes."""
    return [sum(4 + len(before) for before in nals[:number]) for number in range(len(nals))]


def pictures(codec: str, sizes: Sequence[Sequence[int]]) -> list[tuple[int, list[bytes]]]:
    """Make one picture for each list of NAL sizes; the first unit is a slice."""
    made = []
    for number, picture in enumerate(sizes):
        nals = [
            (SLICE if index == 0 else LATER)[codec] + bytes([1 + number % 200]) * size
            for index, size in enumerate(picture)
        ]
        made.append((3600 * number, nals))
    return made
