"""Start codes become lengths; access units are the same in batches and one by one."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.media.packet_batch import PacketOrBatch
from domain.media.packets import Packet, StreamInfo, WallSource
from ingest.packets.length_prefix import append_prefixed, append_unit
from tests.recorded import run_of

INFO = StreamInfo("gate", "h264", 1280, 720, Fraction(1, 90_000), b"", 1)
UNIT = {"h264": b"\x41\x9a", "hevc": b"\x02\x01\xd0"}
SETS = b"\x42\x01\x07"
CODES = st.sampled_from([b"\0\0\0\1", b"\0\0\0\1", b"\0\0\0\1", b"\0\0\1"])
IRREGULAR_CODES = st.one_of(CODES, st.sampled_from([b"", b"\1", b"\0\1"]))
BYTES = st.lists(st.sampled_from([0, 0, 1, 2, 255]), max_size=12).map(bytes)
PLAIN = st.binary(max_size=400).map(lambda data: data.replace(b"\0", b"\1") + b"\3")


def packet(units: list[bytes], known: bool = True) -> Packet:
    data = b"".join(b"\0\0\0\1" + unit for unit in units) if known else units[0]
    starts = (
        [sum(4 + len(before) for before in units[:number]) for number in range(len(units))]
        if known
        else []
    )
    return Packet(INFO, data, 0, 0, 0, False, 0, WallSource.RECEIVER, 0, None, starts)


def together(codec: str, received: Sequence[PacketOrBatch]) -> tuple[bytes, list[int]]:
    pieces: list[bytes | bytearray] = []
    sizes = append_prefixed(codec, received, pieces)
    return b"".join(pieces), sizes


def one_by_one(codec: str, datas: list[bytes]) -> tuple[bytes, list[int]]:
    pieces: list[bytes | bytearray] = []
    sizes = [append_unit(codec, data, pieces) for data in datas]
    return b"".join(pieces), sizes


@pytest.mark.parametrize("codec", ["h264", "hevc"])
@settings(deadline=None)
@given(st.lists(st.lists(PLAIN, min_size=1, max_size=4), min_size=1, max_size=6))
def test_known_units_are_taken_together(codec: str, pictures: list[list[bytes]]) -> None:
    packets = [packet([UNIT[codec] + body for body in picture]) for picture in pictures]
    assert together(codec, packets) == one_by_one(codec, [packet.data for packet in packets])
    assert together(codec, [run_of(packets)]) == together(codec, packets)


@pytest.mark.parametrize("codec", ["h264", "hevc"])
@settings(deadline=None)
@given(
    st.lists(
        st.lists(
            st.tuples(IRREGULAR_CODES, st.sampled_from([b"", *UNIT.values(), SETS]), BYTES),
            max_size=4,
        ),
        max_size=6,
    ),
    st.booleans(),
)
def test_unknown_ones_are_searched(
    codec: str, pictures: list[list[tuple[bytes, bytes, bytes]]], one_is_known: bool
) -> None:
    packets = [
        packet([b"".join(code + head + body for code, head, body in picture)], known=False)
        for picture in pictures
    ]
    if one_is_known:
        packets.insert(len(packets) // 2, packet([UNIT[codec] + b"\3"]))
    assert together(codec, packets) == one_by_one(codec, [packet.data for packet in packets])
    assert not packets or together(codec, [run_of(packets)]) == together(codec, packets)
