from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.parameter_sets import parameter_sets
from tests.recorded import KINDS, packets_of

SPS, PPS, SLICE, SEI = b"\x67SPS", b"\x68PPS", b"\x65slice", b"\x06sei"


def _unit(*nals: bytes, code: bytes = b"\0\0\0\1") -> bytes:
    return b"".join(code + nal for nal in nals)


@pytest.mark.parametrize(
    ("unit", "sets"),
    [
        (_unit(SPS, PPS, SLICE), _unit(SPS, PPS)),
        (_unit(SPS, PPS, SLICE, code=b"\0\0\1"), _unit(SPS, PPS)),
        (_unit(b"\x09\xf0", SPS, SEI, PPS, PPS, SLICE), _unit(SPS, PPS, PPS)),  # several pictures' sets, and what is no set
        (_unit(SPS + b"\0\0", PPS, SLICE), _unit(SPS, PPS)),  # trailing zeros are no part of a unit
        (_unit(SPS, PPS), _unit(SPS, PPS)),  # no slice at all
        (_unit(SPS, SLICE), b""),  # no PPS: not enough to decode with
        (_unit(SLICE, SPS, PPS), b""),  # after a slice they are for the next picture
        (_unit(SLICE), b""),
        (b"\0\0\1", b""),
        (b"", b""),
    ],
)
def test_sets_before_the_first_slice_are_found(unit: bytes, sets: bytes) -> None:
    assert parameter_sets("h264", unit) == sets


@pytest.mark.parametrize("kind", KINDS)
def test_an_encoders_keyframes_have_them_and_others_do_not(kind: str) -> None:
    packets = packets_of(KINDS[kind])
    first = parameter_sets(packets[0].stream.codec, packets[0].data)
    assert first
    for packet in packets[:60]:
        assert parameter_sets(packet.stream.codec, packet.data) == (first if packet.is_keyframe else b"")


@given(st.binary(max_size=60), st.sampled_from(["h264", "hevc"]))
def test_any_bytes_are_read_without_harm(data: bytes, codec: str) -> None:
    assert len(parameter_sets(codec, data)) <= 2 * len(data)
