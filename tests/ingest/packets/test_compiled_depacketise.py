"""The compiled depacketiser and the one in Python give the same access units and states."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import pairwise
from unittest.mock import Mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.packets.depacketise import AccessUnits
from ingest.packets.native.depacketiser import CAPACITY_BYTES, unavailable_reason
from ingest.rtsp.wire import Wire
from simulator.rtp import payloads
from tests.ingest.packets.sent_units import CODECS, LATER, SLICE, TYPES, Media, sent


class Slow(Media):
    """Processes every packet on its own."""

    def __init__(self, codec: str) -> None:
        super().__init__(codec)
        self.consume_pictures = lambda buffer, at, end: (at, False)


BODIES = st.lists(
    st.one_of(
        st.binary(min_size=1, max_size=30), st.integers(1, 400).map(lambda size: b"\7" * size)
    ),
    min_size=1,
    max_size=4,
)


def aggregate(header: bytes, nals: Sequence[bytes]) -> bytes:
    return header + b"".join(struct.pack(">H", len(one)) + one for one in nals)


CERTAINLY_IRREGULAR = [
    "lose",
    "double",
    "late",
    "mark",
    "unmark",
    "other type",
    "stranger",
    "elsewhere",
]
PLACES = st.integers(0, 200)
IRREGULARITIES = st.one_of(
    st.tuples(st.sampled_from(CERTAINLY_IRREGULAR), PLACES, st.just(b"")),
    st.tuples(
        st.just("stamp"),
        PLACES,
        st.integers(0, 3).map(lambda number: struct.pack(">I", 3600 * number)),
    ),
    st.tuples(st.just("payload"), PLACES, st.binary(min_size=1, max_size=12)),
    st.tuples(
        st.just("payload"),
        PLACES,
        st.builds(
            aggregate,
            st.sampled_from([b"\x18", b"\x60\x01"]),
            st.lists(st.binary(max_size=6), max_size=4),
        ),
    ),
    st.tuples(st.just("flags"), PLACES, st.sampled_from([b"\x90", b"\xa0", b"\x81", b"\x00"])),
)
Irregularity = tuple[str, int, bytes]
DAMAGE = st.lists(
    st.tuples(st.integers(0, 6000), st.binary(max_size=3), st.integers(0, 3)), max_size=3
)


def make_irregular(rtp: bytearray, what: str, by: bytes) -> list[bytearray]:
    """The packets that replace this one; an empty one represents another channel."""
    head, payload = rtp[:12], rtp[12:]
    made: dict[str, list[bytearray]] = {
        "lose": [],
        "double": [rtp, rtp],
        "late": [
            head[:2] + struct.pack(">H", int.from_bytes(head[2:4], "big") + 1 & 0xFFFF) + rtp[4:],
            rtp,
        ],
        "elsewhere": [bytearray(), rtp],
        "stamp": [head[:4] + by + rtp[8:]],
        "mark": [head[:1] + bytes((96 | 0x80,)) + rtp[2:]],
        "unmark": [head[:1] + bytes((96,)) + rtp[2:]],
        "other type": [head[:1] + bytes((97,)) + rtp[2:]],
        "stranger": [head[:8] + b"abcd" + payload],
        "payload": [head + by],
        "flags": [bytearray(by + rtp[1:])],
    }
    return made[what]


def framed(
    codec: str,
    made: Sequence[tuple[int, Sequence[bytes]]],
    irregularities: Sequence[Irregularity],
    first: int,
) -> bytes:
    """The bytes of a connection in which some packets are irregular."""
    rtps = [
        bytearray(
            struct.pack(">BBHII", 0x80, marker << 7 | 96, first + index & 0xFFFF, stamp, 7)
            + payload
        )
        for index, (stamp, marker, payload) in enumerate(sent(codec, made))
    ]
    for what, index, by in irregularities:
        if rtps:
            at = index % len(rtps)
            rtps[at : at + 1] = make_irregular(rtps[at], what, by)
    return b"".join(
        struct.pack(">BBH", 0x24, 0, len(rtp)) + rtp if rtp else b"\x24\1\0\4\x80abc"
        for rtp in rtps
    )


def state(units: AccessUnits) -> tuple[object, ...]:
    """Everything that determines the further results."""
    apart = {
        name: value
        for name, value in vars(units).items()
        if name not in ("_native", "_pieces", "ready")
    }
    pieces = vars(units._pieces)
    return (
        list(units.ready),
        apart,
        b"".join(pieces["parts"]),
        {name: value for name, value in pieces.items() if name != "parts"},
    )


@pytest.mark.skipif(
    bool(unavailable_reason()), reason=f"the depacketiser is not compiled: {unavailable_reason()}"
)
@CODECS
@settings(deadline=None, max_examples=300)
@given(
    st.lists(
        st.lists(BODIES, min_size=1, max_size=1).map(lambda parts: parts[0]), min_size=1, max_size=8
    ),
    st.lists(IRREGULARITIES, max_size=5),
    DAMAGE,
    st.lists(st.integers(0, 6000), max_size=6),
    st.sampled_from([0, 65_530]),
)
def test_compiled_and_in_python_alone_it_gives_the_same(
    codec: str,
    bodies: list[list[bytes]],
    irregularities: list[Irregularity],
    damage: list[tuple[int, bytes, int]],
    cuts: list[int],
    first: int,
) -> None:
    made = [
        (
            3600 * number,
            [(SLICE if index == 0 else LATER)[codec] + body for index, body in enumerate(picture)],
        )
        for number, picture in enumerate(bodies)
    ]
    data = bytearray(framed(codec, made, irregularities, first))
    for at, new, gone in damage:
        data[at : at + gone] = new
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    sides = [
        (media, Wire((0, 1), bytearray(CAPACITY_BYTES))) for media in (Media(codec), Slow(codec))
    ]
    (quick, quick_wire), (slow, slow_wire) = sides
    for begin, end in pairwise(edges):
        for media, wire in sides:
            wire.room()[: end - begin] = data[begin:end]
            wire.deliver(end - begin, media)
        assert list(quick.units.ready) == list(slow.units.ready)
        if quick_wire.pending_bytes == slow_wire.pending_bytes:  # no picture waits for its end
            assert state(quick.units) == state(slow.units)
    for media, wire in sides:
        wire.end(media)
    assert state(quick.units) == state(slow.units)


@pytest.mark.skipif(
    bool(unavailable_reason()), reason=f"the depacketiser is not compiled: {unavailable_reason()}"
)
@CODECS
def test_regular_packets_are_processed_by_compiled_code(codec: str) -> None:
    media, wire = Media(codec), Wire((0, 1), bytearray(CAPACITY_BYTES))
    by_python = Mock(wraps=media.units.put)
    media.units.put = by_python  # type: ignore[method-assign]
    data = framed(
        codec,
        [
            (3600 * number, [SLICE[codec] + b"\7" * 400, LATER[codec] + b"\7" * 30])
            for number in range(100)
        ],
        (),
        65_530,
    )
    wire.room()[: len(data)] = data
    wire.deliver(len(data), media)
    assert len(media.units.ready) == 100
    assert by_python.call_count == len(
        sent(codec, [(0, [SLICE[codec] + b"\7" * 400, LATER[codec] + b"\7" * 30])])
    )


@pytest.mark.skipif(
    bool(unavailable_reason()), reason=f"the depacketiser is not compiled: {unavailable_reason()}"
)
@CODECS
def test_a_picture_of_which_a_part_has_arrived_waits_for_compiled_code(codec: str) -> None:
    media, wire = Media(codec), Wire((0, 1), bytearray(CAPACITY_BYTES))
    made = [(3600 * number, [SLICE[codec] + b"\7" * 400]) for number in range(20)]
    first, data = framed(codec, made[:1], (), 0), framed(codec, made, (), 0)
    wire.room()[: len(first)] = first
    wire.deliver(len(first), media)
    by_python = Mock(wraps=media.units.put)
    media.units.put = by_python  # type: ignore[method-assign]
    for begin in range(len(first), len(data), 97):
        part = data[begin : begin + 97]
        wire.room()[: len(part)] = part
        wire.deliver(len(part), media)
    assert len(media.units.ready) == 20
    assert media.units.broken_units == 0
    assert by_python.call_count == 0


@CODECS
def test_a_picture_without_end_does_not_wait(codec: str) -> None:
    """Its part is processed before it fills the read buffer, and counted as broken."""
    media, wire = Media(codec), Wire((0, 1), bytearray(CAPACITY_BYTES))
    endless = [
        (7200, False, payload)
        for payload in payloads(TYPES[codec], [SLICE[codec] + b"\7" * 1_000_000], 60_000)[:-1]
    ]
    head = [(0, True, SLICE[codec] + b"\7"), (3600, True, SLICE[codec] + b"\7")]
    for index, (stamp, marker, payload) in enumerate(head + endless + head):
        rtp = struct.pack(">BBHII", 0x80, marker << 7 | 96, index, stamp, 7) + payload
        packet = struct.pack(">BBH", 0x24, 0, len(rtp)) + rtp
        room = wire.room()
        room[: len(packet)] = packet
        wire.deliver(len(packet), media)
        assert wire.pending_bytes < CAPACITY_BYTES // 2
    assert len(media.units.ready) == 4
    assert media.units.broken_units == 1
