"""Keyframes and parameter sets of Annex B units, whole and damaged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.packets.nal import annex_b, has_sps, keyframe_head, parameter_sets, units

C = b"\x00\x00\x00\x01"
SPS, PPS, IDR, SLICE, AUD, SEI = (
    b"\x67\x64\x00\x28",
    b"\x68\xeb",
    b"\x65\x88\x84",
    b"\x41\x9a",
    b"\x09\xf0",
    b"\x06\x05\x01",
)
VPS5, SPS5, PPS5, IDR5, CRA5, TRAIL5 = (
    b"\x40\x01\x0c",
    b"\x42\x01\x01",
    b"\x44\x01\xc0",
    b"\x26\x01\xaf",
    b"\x2a\x01\xac",
    b"\x02\x01\xd0",
)


@pytest.mark.parametrize(
    ("codec", "data", "head"),
    [
        ("h264", C + IDR, 1),
        ("h264", C + SPS + C + PPS + C + IDR, 15),
        ("h264", C + AUD + C + SLICE, -1),
        ("h264", C + SEI + C + SLICE + C + IDR, -1),
        ("h264", b"\x00\x00\x01" + IDR, 0),
        ("h264", b"", -1),
        ("h264", b"\x00\x00\x01", -1),
        ("h264", C + SPS, -1),
        ("hevc", C + IDR5, 1),
        ("hevc", C + CRA5, 1),
        ("hevc", C + VPS5 + C + SPS5 + C + PPS5 + C + CRA5, 22),
        ("hevc", C + TRAIL5, -1),
    ],
)
def test_where_the_first_slice_of_a_keyframe_is(codec: str, data: bytes, head: int) -> None:
    assert keyframe_head(codec, data) == head


def test_parameter_sets_are_found_once_each_in_order() -> None:
    assert parameter_sets("h264", C + AUD + C + SPS + C + PPS + C + SPS + C + SEI) == (SPS, PPS)
    assert parameter_sets("hevc", C + VPS5 + C + SPS5 + C + PPS5 + b"\x00\x00") == (
        VPS5,
        SPS5,
        PPS5,
    )
    assert has_sps("h264", (SPS,))
    assert not has_sps("h264", (PPS,))
    assert has_sps("hevc", (VPS5, SPS5))


@given(
    st.lists(
        st.binary(min_size=1, max_size=40).filter(lambda unit: b"\x00" not in unit),
        min_size=1,
        max_size=8,
    )
)
def test_units_written_are_units_read(pieces: list[bytes]) -> None:
    assert list(units(annex_b(tuple(pieces)))) == pieces


@given(st.sampled_from(["h264", "hevc"]), st.binary(max_size=200))
def test_rubbish_is_never_an_error(codec: str, data: bytes) -> None:
    head = keyframe_head(codec, data)
    assert head == -1 or data[head : head + 3] == b"\x00\x00\x01"
    assert all(unit in data for unit in parameter_sets(codec, data))
