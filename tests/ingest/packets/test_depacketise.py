"""Access units from RTP: what the simulator packs is restored, and lost or damaged packets never
produce a wrong unit.
"""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.packets.depacketise import AccessUnit
from ingest.packets.nal import annex_b
from tests.ingest.packets.sent_units import (
    CODECS,
    LATER,
    SET,
    SLICE,
    Sent,
    pictures,
    received,
    sent,
    starts,
)


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


@CODECS
@pytest.mark.parametrize("is_aggregated", [False, True])
@pytest.mark.parametrize("is_after_marker", [False, True])
def test_the_end_of_a_sequence_has_no_payload_and_damages_no_picture(
    codec: str, is_aggregated: bool, is_after_marker: bool
) -> None:
    end = {"h264": b"\x0a", "hevc": b"\x48\x01"}[codec]
    picture, head = SLICE[codec] + b"x" * 9, {"h264": b"\x18", "hevc": b"\x60\x01"}[codec]
    together = head + b"".join(struct.pack(">H", len(unit)) + unit for unit in (picture, end))
    packets: list[Sent] = []
    for stamp in range(0, 12_000, 3_000):
        if is_aggregated and not is_after_marker:
            packets.append((stamp, True, together))
        else:
            last = head + struct.pack(">H", len(end)) + end if is_aggregated else end
            packets += [(stamp, is_after_marker, picture), (stamp, not is_after_marker, last)]
    units = received(codec, packets)
    assert [unit.stamp for unit in units.ready] == [0, 3_000, 6_000, 9_000]
    assert all(annex_b((picture,)) in unit.data for unit in units.ready)
    assert units.broken_units == 0
    assert units._has_marks


def test_a_stream_that_ends_within_a_picture_gives_no_half_of_it() -> None:
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
