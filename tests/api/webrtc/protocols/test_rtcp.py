"""RTCP as aiortc, an independent implementation, writes and reads it."""

from __future__ import annotations

import contextlib
import struct

import pytest
from aiortc.rtp import (
    RtcpByePacket,
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSdesPacket,
    RtcpSrPacket,
    pack_remb_fci,
)
from hypothesis import given
from hypothesis import strategies as st

from api.webrtc.protocols.rtcp import (
    MAX_NACKED,
    ReceiverReport,
    RtcpFeedback,
    goodbye,
    is_rtcp,
    ntp_of,
    read_feedback,
    sender_report,
)
from domain.clock import NS_PER_S
from domain.errors import BadInput

SSRC, OTHER = 0x1234, 0x9999


def report_about(ssrc: int) -> RtcpReceiverInfo:
    return RtcpReceiverInfo(ssrc, 64, 12, 70_000, 90, 0x11223344, 32_768)


def test_a_report_a_nack_and_a_request_for_a_keyframe() -> None:
    data = (
        bytes(RtcpRrPacket(ssrc=1, reports=[report_about(OTHER), report_about(SSRC)]))
        + bytes(RtcpRtpfbPacket(fmt=1, ssrc=1, media_ssrc=SSRC, lost=[3, 9, 11, 65_535]))
        + bytes(RtcpPsfbPacket(fmt=1, ssrc=1, media_ssrc=SSRC))
    )
    assert is_rtcp(data)
    found = read_feedback(data, SSRC)
    assert sorted(found.nacked) == [3, 9, 11, 65_535]
    assert found.wants_keyframe
    assert not found.has_left
    assert found.report == ReceiverReport(12, 70_000, 90, 0x11223344, 0.5)


@pytest.mark.parametrize("bits_per_s", [0, 250_000, 1_234_000, 4 << 30])
def test_an_estimate_of_what_the_path_carries(bits_per_s: int) -> None:
    def feedback_about(*ssrcs: int) -> RtcpFeedback:
        fci = pack_remb_fci(bits_per_s, list(ssrcs))
        return read_feedback(bytes(RtcpPsfbPacket(15, 1, 0, fci)), SSRC)

    found = feedback_about(OTHER, SSRC).estimate_bits_per_s
    assert found == pytest.approx(bits_per_s, rel=1e-4)
    assert feedback_about(OTHER).estimate_bits_per_s is None


@pytest.mark.parametrize("fci", [b"", b"REMB", b"OTHR" + bytes(4) + SSRC.to_bytes(4, "big")])
def test_other_feedback_of_applications_is_ignored(fci: bytes) -> None:
    data = bytes(RtcpPsfbPacket(fmt=15, ssrc=1, media_ssrc=0, fci=fci))
    assert read_feedback(data, SSRC) == RtcpFeedback()


def test_what_concerns_other_streams_is_ignored() -> None:
    data = (
        bytes(RtcpRrPacket(ssrc=1, reports=[report_about(OTHER)]))
        + bytes(RtcpRtpfbPacket(fmt=1, ssrc=1, media_ssrc=OTHER, lost=[1]))
        + bytes(RtcpRtpfbPacket(fmt=15, ssrc=1, media_ssrc=SSRC, lost=[]))
        + bytes(RtcpPsfbPacket(fmt=1, ssrc=1, media_ssrc=OTHER))
        + bytes(RtcpPsfbPacket(fmt=15, ssrc=1, media_ssrc=0, fci=b"REMB\1\0\0\0"))
    )
    found = read_feedback(data, SSRC)
    assert (found.nacked, found.wants_keyframe, found.report) == ([], False, None)


def test_a_full_intra_request() -> None:
    fci = struct.pack(">II", OTHER, 1 << 24) + struct.pack(">II", SSRC, 1 << 24)
    data = bytes(RtcpPsfbPacket(fmt=4, ssrc=1, media_ssrc=0, fci=fci))
    assert read_feedback(data, SSRC).wants_keyframe
    assert not read_feedback(data, 0x77).wants_keyframe


def test_the_numbers_of_one_packet_are_bounded() -> None:
    pairs = b"".join(struct.pack(">HH", 17 * at, 0xFFFF) for at in range(300))
    data = struct.pack(">BBHII", 0x81, 205, 2 + 300, 1, SSRC) + pairs
    assert len(read_feedback(data, SSRC).nacked) == MAX_NACKED


def test_a_goodbye() -> None:
    assert read_feedback(bytes(RtcpByePacket(sources=[1])), SSRC).has_left
    _, names, bye = RtcpPacket.parse(goodbye(SSRC))
    assert isinstance(names, RtcpSdesPacket)
    assert isinstance(bye, RtcpByePacket)
    assert bye.sources == [SSRC]


def test_a_sender_report() -> None:
    wall_ns = 1_760_000_000 * NS_PER_S + NS_PER_S // 4
    data = sender_report(SSRC, ntp_of(wall_ns), (1 << 32) + 9, 7, 8)
    report, names = RtcpPacket.parse(data)
    assert isinstance(report, RtcpSrPacket)
    assert isinstance(names, RtcpSdesPacket)
    info = report.sender_info
    assert (report.ssrc, info.rtp_timestamp, info.packet_count, info.octet_count) == (SSRC, 9, 7, 8)
    assert info.ntp_timestamp == (1_760_000_000 + 2_208_988_800) << 32 | 1 << 30


@given(st.binary(max_size=80))
def test_damaged_packets_are_refused_and_raise_nothing_else(data: bytes) -> None:
    with contextlib.suppress(BadInput):
        read_feedback(data, SSRC)


@given(st.data())
def test_a_packet_that_is_cut_off_is_refused(data: st.DataObject) -> None:
    whole = bytes(RtcpRrPacket(ssrc=1, reports=[report_about(SSRC)]))
    cut = data.draw(st.integers(1, len(whole) - 1))
    with pytest.raises(BadInput):
        read_feedback(whole[:cut], SSRC)
