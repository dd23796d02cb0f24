"""Packets are depacketised by the rules of the RFCs, and reports are parsed field by field."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.clock import NS_PER_S
from simulator.rtp import Codec, goodbye, nal_units, payloads, sender_report

_BODY = st.binary(min_size=1, max_size=5000)
_H264_NAL = st.builds(
    lambda head, body: bytes([head]) + body, st.sampled_from([0x67, 0x68, 0x65, 0x41, 0x06]), _BODY
)
_HEVC_NAL = st.builds(
    lambda kind, body: bytes([kind << 1, 1]) + body, st.sampled_from([32, 33, 34, 19, 1]), _BODY
)


def _h264_back(parts: list[bytes]) -> list[bytes]:
    nals: list[bytes] = []
    for part in parts:
        match part[0] & 31:
            case 24:
                nals += _aggregated(part[1:])
            case 28:
                if part[1] & 0x80:
                    nals.append(bytes([part[0] & 0xE0 | part[1] & 0x1F]))
                nals[-1] += part[2:]
            case _:
                nals.append(part)
    return nals


def _hevc_back(parts: list[bytes]) -> list[bytes]:
    nals: list[bytes] = []
    for part in parts:
        match part[0] >> 1 & 63:
            case 48:
                nals += _aggregated(part[2:])
            case 49:
                if part[2] & 0x80:
                    nals.append(bytes([part[0] & 0x81 | (part[2] & 0x3F) << 1, part[1]]))
                nals[-1] += part[3:]
            case _:
                nals.append(part)
    return nals


def _aggregated(data: bytes) -> list[bytes]:
    nals = []
    while data:
        (size,) = struct.unpack_from(">H", data)
        nals.append(data[2 : 2 + size])
        data = data[2 + size :]
    return nals


@given(st.lists(_H264_NAL, min_size=1, max_size=6), st.integers(100, 1500))
def test_h264_comes_back_whole_and_no_payload_is_too_long(nals: list[bytes], limit: int) -> None:
    parts = payloads(Codec.H264, nals, limit)
    assert _h264_back(parts) == nals
    assert max(map(len, parts)) <= limit


@given(st.lists(_HEVC_NAL, min_size=1, max_size=6), st.integers(100, 1500))
def test_hevc_comes_back_whole_and_no_payload_is_too_long(nals: list[bytes], limit: int) -> None:
    parts = payloads(Codec.HEVC, nals, limit)
    assert _hevc_back(parts) == nals
    assert max(map(len, parts)) <= limit


def test_small_units_share_a_payload() -> None:
    parts = payloads(Codec.H264, [b"\x67sps", b"\x68pps", b"\x65" + bytes(3000)])
    assert parts[0] == b"\x78\x00\x04\x67sps\x00\x04\x68pps"
    assert [part[1] & 0xC0 for part in parts[1:]] == [0x80, 0x00, 0x40]


@pytest.mark.parametrize(
    "sample",
    [b"\0\0\0\x05abc", b"\0\0\0\0", b"\0\0\0\x02ab\0\0"],
    ids=["cut off", "empty unit", "cut length"],
)
def test_a_damaged_sample_is_refused(sample: bytes) -> None:
    with pytest.raises(ValueError, match="NAL unit"):
        nal_units(sample, 4)


def test_a_sender_report_maps_utc_to_rtp_time() -> None:
    report = sender_report(0xABCD, 1_700_000_000 * NS_PER_S + NS_PER_S // 2, (1 << 32) + 90, 7, 999)
    assert struct.unpack(">BBHIIIIII", report[:28]) == (
        0x80,
        200,
        6,
        0xABCD,
        1_700_000_000 + 2_208_988_800,
        1 << 31,
        90,
        7,
        999,
    )
    assert report[28:30] == b"\x81\xca"
    assert len(report) % 4 == 0
    assert goodbye(0xABCD) == b"\x81\xcb\x00\x01\x00\x00\xab\xcd"
