"""Access units from RTP: what the simulator packs is restored, and lost or damaged packets never
produce a wrong unit.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import pairwise
from unittest.mock import Mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.packets.depacketise import AccessUnit, AccessUnits
from ingest.packets.nal import annex_b
from ingest.packets.native.depacketiser import CAPACITY_BYTES, unavailable_reason
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


@CODECS
@settings(deadline=None)
@given(st.lists(st.lists(st.integers(1, 700), min_size=1, max_size=4), min_size=1, max_size=12))
def test_packed_units_are_restored(codec: str, sizes: list[list[int]]) -> None:
    made = pictures(codec, sizes)
    units = received(codec, sent(codec, made))
    assert list(units.ready) == [
        AccessUnit(stamp, annex_b(tuple(nals)), False, starts(nals)) for stamp, nals in made
    ]
    assert (units.broken_units, units.lost_packets) == (0, 0)


@CODECS
@settings(deadline=None)
@given(
    st.lists(st.integers(1, 700), min_size=2, max_size=12), st.sets(st.integers(0, 60), max_size=6)
)
def test_lost_packets_never_produce_a_wrong_unit(
    codec: str, sizes: list[int], lost: set[int]
) -> None:
    made = pictures(codec, [[size] for size in sizes])
    packets = sent(codec, made)
    missing = [index for index in sorted(lost) if index < len(packets) - 1]
    units = received(codec, packets, lost=missing)
    touched = {packets[index][0] for index in missing}
    whole = [
        AccessUnit(stamp, annex_b(tuple(nals)), False, starts(nals))
        for stamp, nals in made
        if stamp not in touched
    ]
    assert list(units.ready) == whole
    begun = next(index for index in range(len(packets)) if index not in missing)
    assert units.lost_packets == sum(index > begun for index in missing)


@CODECS
def test_a_whole_picture_lost_costs_only_itself(codec: str) -> None:
    made = pictures(codec, [[40], [40], [40]])
    units = received(codec, sent(codec, made), lost=[1])
    assert [unit.stamp for unit in units.ready] == [0, 7200]
    assert (units.broken_units, units.lost_packets) == (0, 1)


@CODECS
def test_a_picture_without_its_first_slice_is_dropped(codec: str) -> None:
    made = pictures(codec, [[40], [50, 50]])
    units = received(codec, sent(codec, made), lost=[1])
    assert [unit.stamp for unit in units.ready] == [0]
    assert (units.broken_units, units.lost_packets) == (1, 1)


@CODECS
def test_without_markers_a_unit_ends_where_the_next_begins(codec: str) -> None:
    made = pictures(codec, [[300], [10, 200], [30]])
    units = received(codec, [(stamp, False, part) for stamp, _, part in sent(codec, made)])
    units.flush()
    assert [unit.data for unit in units.ready] == [annex_b(tuple(nals)) for _, nals in made]


@CODECS
def test_markers_on_every_slice_are_ignored(codec: str) -> None:
    made = pictures(codec, [[50, 50]] * 4)
    units = received(codec, [(stamp, True, part) for stamp, _, part in sent(codec, made)])
    assert [unit.data for unit in units.ready[1:]] == [
        annex_b(tuple(nals)) for _, nals in made[1:3]
    ]
    assert units.broken_units == 1


@CODECS
def test_parameter_sets_under_a_stamp_of_their_own_belong_to_the_next_picture(codec: str) -> None:
    packets = [(5, True, SET[codec]), *sent(codec, pictures(codec, [[40]]))]
    (unit,) = received(codec, packets).ready
    nals = (SET[codec], SLICE[codec] + b"\1" * 40)
    assert unit == AccessUnit(0, annex_b(nals), False, () if codec == "hevc" else starts(nals))


def test_a_stream_that_ends_amid_a_picture_gives_no_half_of_it() -> None:
    packets = sent("h264", pictures("h264", [[40], [50, 50]]))
    units = received("h264", packets[:-1])
    units.flush()
    assert [unit.stamp for unit in units.ready] == [0]
    assert units.broken_units == 1


def test_extensions_sources_and_padding_are_left_out() -> None:
    nal = SLICE["h264"] + b"abc"
    head = struct.pack(">I", 9) + struct.pack(">HHI", 1, 1, 0)
    units = received("h264", [(0, True, head + nal + b"\0\0\3")], flags=0x80 | 0x20 | 0x10 | 1)
    assert [unit.data for unit in units.ready] == [annex_b((nal,))]


@pytest.mark.parametrize(
    "payload", [b"\x1d\x81\1\2\3\4", b"\x19\0\0\0\1\x41", b"\x18\0\x50\x41", b"\x00\1\2", b"\x1c"]
)
def test_an_unknown_payload_breaks_the_unit(payload: bytes) -> None:
    units = received("h264", [(0, True, payload), (1, True, SLICE["h264"] + b"x")])
    assert [unit.stamp for unit in units.ready] == [1]
    assert units.broken_units == 1


@CODECS
@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.booleans(), st.binary(min_size=1, max_size=80)), max_size=30
    ),
    st.integers(0, 255),
)
def test_no_payload_is_an_error(codec: str, packets: list[Sent], flags: int) -> None:
    units = received(codec, packets, flags=0x80 | flags & 0x3F)
    units.flush()
    assert sum(len(unit.data) for unit in units.ready) <= sum(
        len(payload) * 3 + 8 for _, _, payload in packets
    )


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


@CODECS
def test_nal_units_with_start_codes_in_them_have_unknown_starts(codec: str) -> None:
    made = [
        (3600 * number, [SLICE[codec] + b"ab\0\0\1" + LATER[codec] + b"cd"]) for number in range(3)
    ]
    assert [unit.starts for unit in received(codec, sent(codec, made)).ready] == [(), (), ()]


@CODECS
def test_a_nal_unit_that_ends_with_a_zero_is_not_taken_as_known(codec: str) -> None:
    made = [
        (0, [SLICE[codec] + b"ab\0"]),
        (3600, [SLICE[codec] + b"ab", LATER[codec] + b"c" * 200 + b"\0"]),
        (7200, [SLICE[codec] + b"a"]),
    ]
    assert [unit.starts for unit in received(codec, sent(codec, made)).ready] == [(), (), [0]]
